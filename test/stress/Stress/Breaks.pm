package Stress::Breaks;

# Shows that each rule of the cache is needed, and that the tests would notice if it were not kept. A debug build (make PG_TREE_DEBUG=1)
# leaves out the rules that pg_tree.debug_break names. For each of them: the scenarios of Stress::Scenarios give right answers
# while it is kept and a wrong one while it is not; after that, on demand, the stress has some time to find a difference by chance.
#
# What only a server in recovery can get wrong is not here but in test/tap.

use strict;
use warnings;

use DBD::Pg ':async';
use Test::More;

use Stress::Cache;
use Stress::Oracle;
use Stress::Scenarios;
use Stress::Session;
use Stress::Trees;
use Stress::Workload;

# What the stress does to meet each break: the rest would only take time.
my %plan = (
    same_writers    => { trees => ['plain'], changes => [qw(insert move delete)], reads => [qw(single whole)] },
    known_to_watch  => { trees => ['plain'], changes => [qw(insert move reregister tree_invalidate)], reads => [qw(whole old_snapshot)] },
    seal_running    => { trees => ['plain'], changes => [qw(several prepare savepoint tree_invalidate)], reads => [qw(whole single)] },
    own_change      => { trees => ['plain'], changes => [qw(several rollback savepoint write_repeatable_read)], reads => ['whole'] },
    pending         => { trees => ['plain', 'kin'], changes => [qw(returning in_triggers)], reads => ['whole'] },
    ground          => { trees => ['plain', 'parts'], changes => [qw(rewrite truncate detach attach)], reads => [qw(whole old_snapshot)] },
    # Triggers that are off while others read are a matter of moments; the scenarios take their time.
    triggers => undef,
    ddl             => { trees => ['plain', 'parts'], changes => [qw(disable_trigger detach)], reads => ['whole'] },
    own_xid         => { trees => ['plain', 'kin'], changes => [qw(other_first two_trees)], reads => [qw(whole single)] },
    note_subxact    => { trees => ['plain'], changes => [qw(savepoint insert subtransaction)], reads => [qw(whole single)] },
    type_equality   => { trees => ['spelled'], changes => ['equal_value'], reads => [qw(whole single)] },
    statement_count => { trees => ['plain'], changes => [qw(several other_first prepare)], reads => [qw(whole single)] },
    memo_pointer    => { trees => ['plain'], changes => [qw(insert move several)], reads => [qw(repeated prepared_statement read_committed)] },
    read_write      => { trees => ['plain'], changes => [qw(insert move update_code)], reads => [qw(whole cursor old_snapshot)] },
    # Serving SERIALIZABLE shows in no single answer.
    recovery => undef,
);

# A statement that the server runs meanwhile (autovacuum's, say) can hide a break now and then.
my $attempts = 3;

# --- Scenarios ------------------------------------------------------------------------------------------------------------

# The same comparison each time: a session that reuses something must have the chance.
sub whole_of { my ($name) = @_; return Stress::Oracle::whole(Stress::Trees::named($name || 'plain')); }

sub warm {
    my ($session, $name) = @_;
    $name ||= 'plain';
    $session->row("SELECT * FROM tree_warm('stress.$name')") if $session->exists('tree_warm(text)');
    return $session->compare(whole_of($name), 'scenario');
}

# What a line of a scenario stands for; returns the number of differences.
my @verbs = (
    [qr/^read ?(\w*)$/     => sub { my ($session, $name) = @_; return $session->compare(whole_of($name), 'scenario'); }],
    [qr/^warm ?(\w*)$/     => \&warm],
    [qr/^try warm ?(\w*)$/ => sub {
        my ($session, $name) = @_;
        $session->run('SAVEPOINT before_warm') if $session->in_transaction;
        my $differences = 0;
        eval { $differences = warm($session, $name); 1 } or !$session->in_transaction or $session->run('ROLLBACK TO before_warm');
        return $differences;
    }],
    [qr/^invalidate$/ => sub {
        my ($session) = @_;
        $session->run("SELECT tree_invalidate('plain')") if $session->exists('tree_invalidate(text)');
        return 0;
    }],
    [qr/^open$/  => sub { my ($session) = @_; $session->run('DECLARE comparison CURSOR FOR ' . whole_of()->{sql}); return 0; }],
    [qr/^fetch$/ => sub { my ($session) = @_; return $session->judge(whole_of(), 'scenario', $session->row('FETCH comparison')); }],
    [qr/^may fail (\w+): (.*)$/ => sub {
        my ($session, $code, $sql) = @_;
        return 0 if eval { $session->run($sql); 1 } || $@->{state} eq $code;
        die $@;
    }],
    [qr/^anomaly: (.*)$/ => sub { my ($session, $sql) = @_; return ($session->row($sql))[0]; }],
    [qr/^start: (.*)$/   => \&start],
    [qr/^cancel$/        => sub { my ($session) = @_; $session->{dbh}->pg_cancel; return 0; }],
    [qr/^(.*)$/s         => sub { my ($session, $sql) = @_; $session->run($sql); return 0; }],
);

# Returns when the statement waits for a lock, or is done.
sub start {
    my ($session, $sql, $driver) = @_;
    $session->{dbh}->do($sql, { pg_async => PG_ASYNC });
    my $pid = $session->{dbh}{pg_pid};
    until ($session->{dbh}->pg_ready || ($driver->row("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid"))[0]) { }
    return 0;
}

sub step {
    my ($session, $what, $driver) = @_;
    my $statement = $session->{checking} = whole_of();
    $what =~ s/\{check\}/stress.check(\$stress\$$statement->{sql}\$stress\$)/;
    for my $verb (@verbs) {
        my ($pattern, $code) = @$verb;
        my @arguments = $what =~ $pattern or next;
        # A pattern without groups matches as (1).
        return $code->($session, (grep { defined } @arguments), $driver);
    }
    return 0;
}

# Returns the number of differences; dies of errors that no step expects.
sub play {
    my ($scenario, $driver, $report) = @_;
    Stress::Trees::create($driver, 'plain', 'spelled', 'parts');
    my (%session, $differences);
    my $ok = eval {
        for my $step (@{ $scenario->{steps} }) {
            my ($name, $what) = @$step;
            if (!$session{$name}) {
                $session{$name} = Stress::Session->new(name => $name, report => $report, keeps_partitions => 1);
                $session{$name}->run("SET search_path = stress, public");
            }
            my $found;
            if (!eval { $found = step($session{$name}, $what, $driver); 1 }) {
                # What stress.check() says.
                die $@ if ref $@ ne 'HASH' || $@->{state} ne 'TREED';
                $session{$name}->settle($@, 'scenario');
                $found = 1;
            }
            $differences += $found;
        }
        1;
    };
    my $error = $@;
    for my $session (values %session) {
        eval { $session->{dbh}->pg_cancel if $session->{dbh}{pg_async_status}; };
        $session->close;
    }
    $driver->run("ROLLBACK PREPARED '$_->[0]'") for $driver->rows('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()');
    die ref $error ? "$error->{state} $error->{message}\n" : $error if !$ok;
    return $differences;
}

# --- Breaking -------------------------------------------------------------------------------------------------------------

sub test_scenario {
    my ($scenario, $driver, $unbreakable) = @_;
    my $name = "$scenario->{name} ($scenario->{why})";
    my $show = sub { my ($event) = @_; diag($event->{text}) if !$scenario->{todo}; };
    my $differences = eval { play($scenario, $driver, $show) };
    my $error = $@;
  TODO: {
        local $TODO = $scenario->{todo};
        is($differences, 0, "right: $name") or defined $differences or diag($error);
    }
    return if !defined $scenario->{rule};
  SKIP: {
        skip $unbreakable, 1 if $unbreakable;
        Stress::Cache::leave_out($driver, $scenario->{rule});
        my $found;
        for (1 .. $attempts) {
            $found = eval { play($scenario, $driver, sub { }) };
            last if $found;
            diag("with the rule left out: $@") if !defined $found;
        }
        Stress::Cache::leave_out($driver, '');
        ok($found, "without $scenario->{rule} wrong: $name");
    }
    return;
}

sub test_stress {
    my ($rule, $option, $driver, $unbreakable) = @_;
    return if !$option->{seconds};
  SKIP: {
        skip "$rule: left to the scenarios", 1 if !$plan{$rule};
        skip $unbreakable, 1 if $unbreakable;
        Stress::Trees::create($driver, @{ $plan{$rule}{trees} });
        Stress::Cache::leave_out($driver, $rule);
        my $result = Stress::Workload::run({ %$option, %{ $plan{$rule} }, stop_at_difference => 1 });
        Stress::Cache::leave_out($driver, '');
        my $found = @{ $result->{differences} };
        ok($found, sprintf 'without %s the stress finds a difference (%.1f s)', $rule, $result->{seconds});
        diag(@{ $result->{unexpected} }[0 .. 2]) if !$found && @{ $result->{unexpected} };
    }
    return;
}

# rules: names, or undef for all.
sub run {
    my ($option, $rules) = @_;
    my $driver = Stress::Session->new(name => 'driver');
    Stress::Trees::create($driver, 'plain');
    my $unbreakable = Stress::Cache::unbreakable($driver);
    for my $rule ($rules ? @$rules : sort keys %plan) {
        exists $plan{$rule} or die "no such rule: $rule\n";
        test_scenario($_, $driver, $unbreakable) for Stress::Scenarios::of_rule($rule);
        test_stress($rule, $option, $driver, $unbreakable);
    }
    test_scenario($_, $driver) for $rules ? () : Stress::Scenarios::of_rule('');
    $driver->close;
    return;
}

1;
