package Stress::Reader;

# The ways in which a reader reads. It changes nothing, but its transactions, cursors and snapshots outlive what others do.
#
# A kind is { weight, tree, run => sub } as an action of Stress::Writer.

use strict;
use warnings;

use Stress::Oracle;
use Stress::Trees;
use Stress::Writer;

my %kind;

sub actions { return %kind; }

sub any_tree { return (Stress::Trees::all())[rand Stress::Trees::all()]; }

# Comparisons in one transaction, mostly of one tree. They take long enough for others to commit in between.
sub some_comparisons {
    my ($session, $tree, $kind) = @_;
    $session->compare(Stress::Oracle::any(rand() < 0.7 ? $tree : any_tree()), $kind) for 0 .. 2 + rand 6;
    return;
}

# --- Isolation levels -----------------------------------------------------------------------------------------------------

$kind{single} = { weight => 6, run => sub { my ($session, $tree) = @_; $session->compare(Stress::Oracle::any($tree), 'single'); } };
# Nearly all of the tree, for which an image is worth building; then small questions, which alone are not.
$kind{whole} = {
    weight => 4,
    run    => sub {
        my ($session, $tree) = @_;
        $session->compare(Stress::Oracle::whole($tree), 'whole');
        $session->compare(Stress::Oracle::statement($tree), 'after the whole') for 1 .. 5;
    } };
# The same again and again: an answer must not be remembered along with its question.
$kind{repeated} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        my $statement = Stress::Oracle::any($tree);
        my $block = rand() < 0.5;
        $session->run('BEGIN') if $block;
        $session->compare($statement, 'repeated') for 1 .. 8;
        $session->run('COMMIT') if $block;
    } };
# A partition that is attached between the look at the plan and the call inside the statement is seen by the call alone.
$kind{prepared_statement} = {
    weight => 2, in_statement => 1,
    run => sub {
        my ($session, $tree) = @_;
        my $statement = Stress::Oracle::any($tree);
        $session->run("SET plan_cache_mode = force_generic_plan", "PREPARE comparison AS $statement->{sql}");
        my $ok = eval { $session->judge($statement, 'prepared statement', $session->row('EXECUTE comparison')) for 1 .. 5; 1 };
        my $error = $@;
        $session->run('DEALLOCATE comparison', 'RESET plan_cache_mode');
        die $error if !$ok;
    } };
for my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE') {
    $kind{ lc($level) =~ tr/ /_/r } = {
        weight => 3,
        run    => sub {
            my ($session, $tree) = @_;
            $session->run("BEGIN ISOLATION LEVEL $level" . (rand() < 0.5 ? ', READ ONLY' : ''));
            some_comparisons($session, $tree, lc $level);
            $session->run('COMMIT');
        } };
}
# The snapshot is much older than the first look at the tree.
$kind{old_snapshot} = {
    weight => 3,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
        $session->compare(Stress::Oracle::any(any_tree()), 'repeatable read') for 0 .. 2 + rand 4;
        $session->compare(Stress::Oracle::whole($tree), 'old snapshot');
        some_comparisons($session, $tree, 'old snapshot');
        $session->run('COMMIT');
    } };
# Whoever has an xid may be the one that builds.
$kind{with_xid} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', 'SELECT pg_current_xact_id()');
        some_comparisons($session, $tree, 'with an xid');
        $session->run('COMMIT');
    } };
$kind{savepoints} = {
    weight => 2,
    run    => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN' . (rand() < 0.5 ? ' ISOLATION LEVEL REPEATABLE READ' : ''));
        for (0 .. rand 4) {
            $session->run('SAVEPOINT one');
            some_comparisons($session, $tree, 'savepoint');
            $session->run(rand() < 0.5 ? 'ROLLBACK TO one' : 'RELEASE one');
        }
        $session->run('COMMIT');
    } };

# --- Snapshots that are carried about -------------------------------------------------------------------------------------

# The comparison's snapshot is that of the moment when the cursor was opened.
for my $kind ('cursor', 'hold_cursor') {
    $kind{$kind} = {
        weight => 2, in_statement => 1,
        run => sub {
            my ($session, $tree) = @_;
            my @statements = map { Stress::Oracle::any($tree) } 1 .. 3;
            my $hold = $kind eq 'hold_cursor' ? 'WITH HOLD' : '';
            $session->run('BEGIN' . (rand() < 0.3 ? ' ISOLATION LEVEL REPEATABLE READ' : ''));
            for my $i (0 .. $#statements) {
                $session->run("DECLARE c$i CURSOR $hold FOR $statements[$i]{sql}");
                $session->compare(Stress::Oracle::any($tree), 'read committed') for 0 .. rand 3;
            }
            # A transaction's own change stays unknown to cursors that are open.
            Stress::Writer::change($session, $tree) if rand() < 0.3;
            $session->run('COMMIT') if $hold;
            for my $i (sort { rand() <=> 0.5 } 0 .. $#statements) {
                $session->judge($statements[$i], $kind, $session->row("FETCH c$i"));
                $session->compare(Stress::Oracle::any(any_tree()), 'read committed');
            }
            $session->run($hold ? 'CLOSE ALL' : 'COMMIT');
        } };
}
# A cursor over the tree itself, read a little at a time while its image may be replaced or evicted.
$kind{slow_cursor} = {
    weight => 2, in_statement => 1,
    run => sub {
        my ($session, $tree) = @_;
        my $statement = Stress::Oracle::any($tree);
        $session->run('BEGIN ISOLATION LEVEL REPEATABLE READ', "DECLARE slow CURSOR FOR $statement->{answer}");
        my @rows;
        for (0 .. 2 + rand 3) {
            push @rows, $session->rows('FETCH 5 FROM slow');
            $session->compare(Stress::Oracle::any(any_tree()), 'repeatable read');
        }
        push @rows, $session->rows('FETCH ALL FROM slow');
        my @expected = $session->rows($statement->{oracle});
        my ($found, $wanted) = map { join "\n", sort map { as_text(@$_) } @$_ } \@rows, \@expected;
        $session->judge($statement, 'slow cursor', $found eq $wanted ? 0 : 1, 0, "the cursor gave\n$found\ninstead of\n$wanted",
            scalar @rows, 'that of the transaction');
        $session->run('COMMIT');
    } };
sub as_text { return join '|', map { ref $_ ? '{' . as_text(@$_) . '}' : $_ // 'NULL' } @_; }

# The exporter may have changed the tree itself, which the importer must not see.
$kind{imported_snapshot} = {
    weight => 3, helper => 1,
    run => sub {
        my ($session, $tree) = @_;
        my $helper = $session->{helper};
        $helper->run('BEGIN ISOLATION LEVEL REPEATABLE READ');
        Stress::Writer::change($helper, $tree) if rand() < 0.5;
        $helper->compare(Stress::Oracle::any($tree), 'exporter') if rand() < 0.5;
        my ($snapshot) = $helper->row('SELECT pg_export_snapshot()');
        $session->compare(Stress::Oracle::any($tree), 'single') for 0 .. rand 3;
        $session->run('BEGIN ISOLATION LEVEL REPEATABLE READ', "SET TRANSACTION SNAPSHOT '$snapshot'");
        $session->compare(Stress::Oracle::any($tree), 'imported snapshot');
        $helper->run(rand() < 0.7 ? 'COMMIT' : 'ROLLBACK');
        some_comparisons($session, $tree, 'imported snapshot');
        $session->run('COMMIT');
    } };

# --- Inside functions, for others -----------------------------------------------------------------------------------------

$kind{function} = {
    weight => 2, in_statement => 1,
    run => sub {
        my ($session, $tree) = @_;
        $session->row('SELECT ' . Stress::Writer::check_call($session, Stress::Oracle::any($tree)) . ' FROM generate_series(1, 4)');
        Stress::Writer::counted($session, 'function');
    } };
$kind{commit_in_block} = {
    weight => 2, in_statement => 1,
    run => sub {
        my ($session, $tree) = @_;
        my $check = Stress::Writer::check_call($session, Stress::Oracle::any($tree));
        $session->run("DO \$\$ BEGIN FOR i IN 1 .. 4 LOOP PERFORM $check; COMMIT; PERFORM $check; END LOOP; END \$\$");
        Stress::Writer::counted($session, 'commits in a block');
    } };
# A role that may see only some rows.
$kind{row_security} = {
    weight => 3, tree => 'plain',
    run => sub {
        my ($session, $tree) = @_;
        $session->run('BEGIN', 'SET LOCAL ROLE stress_limited');
        $session->compare(Stress::Oracle::any($tree), 'row-level security') for 0 .. rand 3;
        $session->run('RESET ROLE');
        $session->compare(Stress::Oracle::any($tree), 'read committed');
        $session->run('COMMIT');
    } };
# As if every query were worth a parallel worker.
$kind{parallel} = {
    weight => 1,
    run    => sub {
        my ($session, $tree) = @_;
        my ($setting) = $session->row(q{SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});
        $session->run('BEGIN', "SET LOCAL $setting = on");
        some_comparisons($session, $tree, 'parallel');
        $session->run('COMMIT');
    } };

1;
