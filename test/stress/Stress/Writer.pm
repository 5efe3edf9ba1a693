package Stress::Writer;

# What a writer does: one change by itself, or a transaction with several and with comparisons in between. A comparison in the midst
# of a transaction sees what nobody else does, and must not leave it to anybody else.
#
# An action is { weight, tree (a name; else any), also (error codes to be expected, besides the usual ones), run => sub }; run gets
# the session and the tree.

use strict;
use warnings;

use Stress::Changes;
use Stress::Oracle;
use Stress::Trees;

my %action;

sub actions { return %action; }

sub change { my ($session, $tree, $name) = @_; $session->run(Stress::Changes::sql($tree, $name)); return; }

sub compare {
    my ($session, $tree, $kind) = @_;
    $session->compare(Stress::Oracle::any($tree), $kind // 'own changes');
    return;
}

# A change or a comparison, several times.
sub some_steps {
    my ($session, $tree, $kind) = @_;
    for (0 .. rand 3) {
        change($session, $tree) if rand() < 0.7;
        compare($session, $tree, $kind) if rand() < 0.7;
    }
    return;
}

sub commit_or_not { my ($session) = @_; $session->run(rand() < 0.7 ? 'COMMIT' : 'ROLLBACK'); return; }

# A comparison as an SQL expression that raises an error if there is a difference.
sub check_call {
    my ($session, $statement) = @_;
    $session->{checking} = $statement;
    return "$Stress::Trees::schema.check(\$stress\$$statement->{sql}\$stress\$)";
}

sub counted { my ($session, $kind) = @_; $session->{compared}{$kind}++; return; }

# --- One statement --------------------------------------------------------------------------------------------------------

my %weight = (insert => 6, move => 6, delete => 3, update_code => 4, upsert => 3, update_others => 2);
for my $name (Stress::Changes::names()) {
    # MERGE and ON CONFLICT refuse to touch a row twice.
    $action{$name} = { weight => $weight{$name} // 2, also => ['21000'], run => sub { my ($session, $tree) = @_; change($session, $tree, $name); } };
}
for my $name (Stress::Changes::special_names()) {
    $action{$name} = {
        weight => 3, tree => Stress::Changes::tree_of($name)->{name},
        run => sub { my ($session, $tree) = @_; change($session, $tree, $name); } };
}

$action{copy} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        my %row = map { $_ => 1 } map { Stress::Trees::some_key($tree) } 1 .. 2;
        $session->copy_in("COPY $tree->{table} (id, parent_id, code, name) FROM STDIN",
            map { join "\t", $_, $tree->{step}, 'copied', "copied $_" } grep { $_ > $tree->{step} } keys %row);
    } };

# --- Transactions ---------------------------------------------------------------------------------------------------------

$action{several} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN');
        some_steps($session, $tree);
        $session->run('COMMIT');
    } };
$action{rollback} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN');
        some_steps($session, $tree);
        $session->run('ROLLBACK');
        compare($session, $tree, 'after a rollback');
    } };
$action{savepoint} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN');
        some_steps($session, $tree) if rand() < 0.5;
        $session->run('SAVEPOINT one');
        some_steps($session, $tree, 'savepoint');
        $session->run('SAVEPOINT two');
        some_steps($session, $tree, 'savepoint');
        $session->run(('ROLLBACK TO one', 'RELEASE one', 'ROLLBACK TO two')[rand 3]);
        some_steps($session, $tree, 'savepoint');
        commit_or_not($session);
    } };
# A block that fails and is caught.
$action{subtransaction} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        my ($first, $second) = map { Stress::Changes::sql($tree) } 1 .. 2;
        my $check = check_call($session, Stress::Oracle::any($tree));
        my $raise = rand() < 0.5 ? 'RAISE division_by_zero;' : '';
        $session->run("DO \$\$ BEGIN
            BEGIN $first; PERFORM $check; $raise EXCEPTION WHEN division_by_zero OR integrity_constraint_violation THEN NULL; END;
            PERFORM $check;
            BEGIN $second; EXCEPTION WHEN integrity_constraint_violation THEN NULL; END;
            PERFORM $check;
        END \$\$");
        counted($session, 'subtransaction');
    } };
my $prepared = 0;
$action{prepare} = {
    weight => 4,
    also   => [qw(42704 55000)],    # another writer was faster to end it, or is just doing so
    run    => sub {
        my ($session, $tree) = @_;
        my $name = "$session->{name} " . ++$prepared;
        $session->run('BEGIN');
        $session->run('SAVEPOINT one') if rand() < 0.3;
        change($session, $tree);
        compare($session, $tree) if rand() < 0.5;
        $session->run("PREPARE TRANSACTION '$name'");
        # Nobody can wait for it in vain, so it has to be ended whatever happens.
        my $ok = eval {
            compare($session, $tree, 'beside a prepared transaction') for 0 .. rand 2;
            if (rand() < 0.3) {
                my ($any) = $session->row('SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY random() LIMIT 1');
                $session->run("COMMIT PREPARED '$any'") if defined $any && $any ne $name;
            }
            1;
        };
        my $error = $@;
        $session->run((rand() < 0.7 ? 'COMMIT' : 'ROLLBACK') . " PREPARED '$name'");
        die $error if !$ok;
        compare($session, $tree, 'after a prepared transaction');
    } };
for my $level ('REPEATABLE READ', 'SERIALIZABLE') {
    $action{ 'write_' . lc($level) =~ tr/ /_/r } = {
        weight => 2,
        run    => sub {
            my ($session, $tree) = @_;
            $session->run("BEGIN ISOLATION LEVEL $level");
            compare($session, $tree, 'before own changes');
            some_steps($session, $tree);
            compare($session, $tree);
            commit_or_not($session);
        } };
}
$action{two_trees} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        my @two = ($tree, (Stress::Trees::all())[rand Stress::Trees::all()]);
        $session->run('BEGIN');
        change($session, $_) for @two;
        compare($session, $_) for @two;
        $session->run('COMMIT');
    } };
# Has an xid while it reads, and changes the tree only then.
$action{other_first} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', "INSERT INTO $Stress::Trees::schema.other VALUES (1)");
        compare($session, $tree, 'with an xid') for 0 .. rand 3;
        $session->compare(Stress::Oracle::whole($tree), 'with an xid');
        change($session, $tree);
        compare($session, $tree);
        commit_or_not($session);
    } };

# --- Comparing in the midst of a statement --------------------------------------------------------------------------------

$action{returning} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        my $change = Stress::Changes::sql($tree, ('insert', 'move', 'delete', 'update_code', 'upsert')[rand 5]);
        $session->rows("$change RETURNING id, " . check_call($session, Stress::Oracle::any($tree)));
        counted($session, 'returning');
    } };
$action{in_triggers} = {
    weight => 4,
    trees  => [map { $_->{name} } grep { $_->{checked} } Stress::Trees::all()],
    run    => sub {
        my ($session, $tree) = @_;
        my $statement = $session->{checking} = Stress::Oracle::any($tree);
        $session->run('BEGIN', "SELECT set_config('stress.statement', \$stress\$$statement->{sql}\$stress\$, true)");
        change($session, $tree) for 0 .. rand 3;
        $session->run('COMMIT');
        counted($session, 'trigger');
    } };
$action{writable_cte} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        my $change = Stress::Changes::sql($tree, ('insert', 'move', 'delete', 'update_code')[rand 4]);
        $session->compare(Stress::Oracle::any($tree, before => "changed AS ($change RETURNING id)"), 'writable CTE');
    } };

1;
