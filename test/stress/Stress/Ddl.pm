package Stress::Ddl;

# What a writer does to the tables themselves: actions as in Stress::Writer.

use strict;
use warnings;

use Stress::Changes;
use Stress::Oracle;
use Stress::Trees;
use Stress::Writer;

my %action;

sub actions { return %action; }

sub change  { return Stress::Writer::change(@_); }
sub compare { return Stress::Writer::compare(@_); }

# What must come to its end, however long others stand in its way.
sub insist {
    my ($session, $sql) = @_;
    for my $try (1 .. 200) {
        return if eval { $session->run($sql); 1 };
        die $@ if ref $@ ne 'HASH' || $@->{state} !~ /^(55P03|40P01)$/;
    }
    die $@;
}

# --- Truncating, rewriting ------------------------------------------------------------------------------------------------

$action{truncate} = {
    weight => 1,
    trees  => [map { $_->{name} } grep { !$_->{large} } Stress::Trees::all()],
    run    => sub {
        my ($session, $tree) = @_;
        my $in_one = rand() < 0.7;
        $session->run('BEGIN') if $in_one;
        $session->run("TRUNCATE $tree->{table}");
        compare($session, $tree, 'after TRUNCATE');
        $session->run(Stress::Trees::fill_sql($tree));
        compare($session, $tree, 'after TRUNCATE');
        Stress::Writer::commit_or_not($session) if $in_one;
    } };
# Changes every row, without a trigger.
$action{rewrite} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run("ALTER TABLE $tree->{table} ALTER code TYPE $tree->{code} USING translate(code::text, 'abc', 'bca')::$tree->{code}");
        compare($session, $tree, 'after a rewrite');
    } };
# These change nothing but where the rows are.
$action{vacuum_full} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        my $cluster = rand() < 0.5 && !$tree->{partitions} && !$tree->{large};
        $session->run($cluster ? "CLUSTER $tree->{table} USING $tree->{name}_pkey" : "VACUUM FULL $tree->{table}");
    } };
$action{vacuum} = { weight => 1, run => sub { my ($session, $tree) = @_; $session->run("VACUUM ANALYZE $tree->{table}"); } };
# Two tables change their names, and with them their trees.
$action{swap} = {
    weight => 1,
    tree   => 'big_a',
    run    => sub {
        my ($session) = @_;
        my $schema = $Stress::Trees::schema;
        $session->run('BEGIN', "LOCK $schema.big_a, $schema.big_b", "ALTER TABLE $schema.big_a RENAME TO big_swapped",
            "ALTER TABLE $schema.big_b RENAME TO big_a", "ALTER TABLE $schema.big_swapped RENAME TO big_b");
        Stress::Writer::commit_or_not($session);
    } };

# --- Triggers -------------------------------------------------------------------------------------------------------------

# No trigger can be altered while one of the table's waits for the commit.
my $fire_deferred = 'SET CONSTRAINTS ALL IMMEDIATE';

sub switch_sql { my ($tree, $mode) = @_; return "SELECT $Stress::Trees::schema.switch_triggers('$tree->{table}', '$mode')"; }

# Disabled and enabled again around a change, in one transaction: nobody sees them disabled.
$action{disable_trigger} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        # All of them, the foreign key's too, only where there is none.
        my $all = !$tree->{foreign_key} && rand() < 0.5;
        $session->run('BEGIN', $all ? "ALTER TABLE $tree->{table} DISABLE TRIGGER ALL" : switch_sql($tree, 'DISABLE'));
        change($session, $tree);
        compare($session, $tree, 'triggers disabled');
        $session->run($fire_deferred);
        $session->run("ALTER TABLE $tree->{table} ENABLE TRIGGER ALL") if $all;
        $session->run(switch_sql($tree, 'ENABLE ALWAYS'));
        compare($session, $tree, 'triggers enabled again');
        Stress::Writer::commit_or_not($session);
    } };
# The same for all to see. ENABLE alone leaves them out when session_replication_role is replica.
$action{disable_trigger_openly} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        my $ok = eval {
            $session->run(switch_sql($tree, ('DISABLE', 'ENABLE', 'ENABLE REPLICA')[rand 3]));
            compare($session, $tree, 'triggers disabled');
            change($session, $tree);
            compare($session, $tree, 'triggers disabled');
            change($session, $tree);
            1;
        };
        my $error = $@;
        insist($session, switch_sql($tree, 'ENABLE ALWAYS'));
        die $error if !$ok;
        compare($session, $tree, 'triggers enabled again');
    } };
# As a logical replication worker writes: only triggers that are ALWAYS fire.
$action{replica_role} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        # Without the foreign key's triggers only what cannot break it.
        my $name = $tree->{foreign_key} ? 'update_code' : undef;
        $session->run('BEGIN', 'SET LOCAL session_replication_role = replica');
        change($session, $tree, $name);
        compare($session, $tree);
        $session->run('COMMIT');
    } };
$action{reregister} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', "SELECT tree_unregister('$tree->{table}')");
        change($session, $tree);
        $session->run($fire_deferred, Stress::Trees::register_sql($tree));
        change($session, $tree) if rand() < 0.5;
        compare($session, $tree, 'registered again');
        Stress::Writer::commit_or_not($session);
    } };

# --- Partitions -----------------------------------------------------------------------------------------------------------
#
# A plan is made before its statement's snapshot is taken, and does not hold a partition back that is being attached: the two halves
# of a comparison could see different partitions, through no fault of the tree's. So none runs at that very moment
# (Stress::Session::compare has the other side of the lock).

my $parts = Stress::Trees::named('parts');
my $spare = Stress::Trees::spare($parts);
my ($spare_from, $spare_to) = (1 + int($parts->{keys} * 2 / 3), 1 + $parts->{keys});

sub state_of_spare {
    my ($session) = @_;
    my ($pending) = $session->row("SELECT inhdetachpending::int FROM pg_inherits WHERE inhrelid = '$spare'::regclass");
    return defined $pending ? $pending ? 'pending' : 'attached' : 'detached';
}

# While it is a table by itself it has no trigger.
sub change_spare {
    my ($session) = @_;
    my $key = $spare_from + int rand($spare_to - $spare_from);
    $session->run(("UPDATE $spare SET code = 'spare' WHERE id % 5 = 0", "DELETE FROM $spare WHERE id = $key",
        "INSERT INTO $spare (id, parent_id, code) VALUES ($key, 1, 'spare') ON CONFLICT DO NOTHING", "TRUNCATE $spare")[rand 3.1]);
    return;
}

my $attach = "ALTER TABLE $parts->{table} ATTACH PARTITION $spare FOR VALUES FROM ($spare_from) TO ($spare_to)";
my $detach = "ALTER TABLE $parts->{table} DETACH PARTITION $spare";

my $exclusively = 'SELECT pg_advisory_xact_lock(20192, 1)';

$action{detach} = {
    weight => 2, tree => 'parts', locks_partitions => 1,
    run => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', $exclusively);
        if (state_of_spare($session) eq 'attached') {
            $session->run($detach);
            compare($session, $tree, 'detached');
            change_spare($session);
            $session->run($attach) if rand() < 0.3;
            compare($session, $tree, 'detached');
        }
        Stress::Writer::commit_or_not($session);
    } };
$action{attach} = {
    weight => 3, tree => 'parts', locks_partitions => 1,
    run => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', $exclusively);
        if (state_of_spare($session) eq 'detached') {
            change_spare($session);
            compare($session, $tree, 'detached');
            $session->run($attach);
            compare($session, $tree, 'attached');
        }
        Stress::Writer::commit_or_not($session);
    } };
# A detach that failed half-way is finished before anybody compares: while it is pending, a saved plan may have been made under a
# snapshot that is older, and PostgreSQL goes on to use it under newer ones.
$action{detach_concurrently} = {
    weight => 1, tree => 'parts', locks_partitions => 1,
    run => sub {
        my ($session, $tree) = @_;
        $session->run('SELECT pg_advisory_lock(20192, 1)');
        my $ok = eval { $session->run("$detach CONCURRENTLY") if state_of_spare($session) eq 'attached'; 1 };
        my $error = $@;
        insist($session, "$detach FINALIZE") if state_of_spare($session) eq 'pending';
        $session->run('SELECT pg_advisory_unlock(20192, 1)');
        die $error if !$ok;
        compare($session, $tree, 'detached');
    } };

# --- The cache itself -----------------------------------------------------------------------------------------------------

for my $name ('tree_invalidate', 'tree_warm') {
    $action{$name} = {
        weight => 1, function => "$name(text)",
        run => sub { my ($session, $tree) = @_; $session->run("SELECT * FROM $name('$tree->{table}')"); } };
}

1;
