# Sessions that are killed or terminated while they build or read an image, servers that stop at once, and transactions that were prepared
# before: the cache starts empty or goes on, gives its memory back, and is never wrong.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
max_prepared_transactions = 5
restart_after_crash = on
autovacuum = off
));
$node->start;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

sql(q{
    CREATE EXTENSION pg_tree;
    CREATE FUNCTION tree_debug_wait_at(point text) RETURNS int AS '$libdir/pg_tree' LANGUAGE C STRICT;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i;
    CREATE INDEX ON branch (parent_id);
    ANALYZE branch;
    SELECT tree_register('branch');

    -- The sum stands for the whole answer; missing and extra must be 0.
    CREATE VIEW reading AS
    WITH RECURSIVE expected AS (
        SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM branch WHERE parent_id = 1
        UNION ALL
        SELECT b.id, b.code, b.name, b.parent_id, t.level + 1 FROM branch b JOIN expected t ON b.parent_id = t.id),
    given AS MATERIALIZED (SELECT * FROM tree_build(1))
    SELECT (SELECT count(*) FROM given) AS rows,
           (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE given) d) AS missing,
           (SELECT count(*) FROM (TABLE given EXCEPT ALL TABLE expected) d) AS extra;
});

my %number = (build_read => 1, build_publish => 2, seal => 3, note => 4, serve => 5);
my $rows   = sql('SELECT rows FROM reading');

sub is_exact { my ($expected, $name) = @_; is(sql('TABLE reading'), "$expected|0|0", $name); return; }

sub counters { return sql(q{SELECT hits, misses, builds FROM tree_stat_cache WHERE tree = 'public.branch'}); }
# Counters outlive the server; those of the last minute may not.
sub count_from_nothing { sql('SELECT tree_stat_reset()'); return; }
sub cache_bytes { return sql('SELECT cache_bytes FROM tree_stat_info'); }

# A new session that has come to the point while it reads, and one that keeps it there.
sub stop_at {
    my ($point) = @_;
    my $gate = $node->background_psql('postgres');
    $gate->query_safe("SELECT pg_advisory_lock(20191, $number{$point})");
    my $victim = $node->background_psql('postgres', on_error_stop => 0);
    my $pid    = $victim->query_safe('SELECT pg_backend_pid()');
    $victim->query_until(qr/started/, "SELECT tree_debug_wait_at('$point');\n\\echo started\nTABLE reading;\n");
    $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE pid = $pid AND locktype = 'advisory' AND NOT granted")
        or die "$point was not reached";
    return ($victim, $pid, $gate);
}

# Whatever state they are in.
sub leave { my (@sessions) = @_; eval { $_->quit } for @sessions; return; }

sub terminate { my ($pid) = @_; return sql("SELECT pg_terminate_backend($pid, 60000)"); }

# --- Terminated -----------------------------------------------------------------------------------------------------------

sql('SELECT tree_invalidate()');
is(cache_bytes(), 0, 'nothing is cached');
for my $point (qw(seal build_read build_publish)) {
    # Another file, and the watch begins anew.
    sql('VACUUM FULL branch') if $point eq 'seal';
    my ($victim, $pid, $gate) = stop_at($point);
    my $progress = sql('SELECT pid, tree FROM tree_stat_progress');
    is($progress, $point eq 'seal' ? '' : "$pid|public.branch", "$point: so says tree_stat_progress");
    is(terminate($pid), 't', "$point: the builder is terminated");
    is(sql('SELECT count(*) FROM tree_stat_progress'), 0, "$point: nobody builds now");
    is(cache_bytes(), 0, "$point: the memory is back");
    is(sql('SELECT nodes, build_ms > 0 FROM tree_warm()'), '3000|t', "$point: another builds at once");
    is_exact($rows, "$point: the answer is right");
    is(sql('SELECT tree_invalidate()'), 't', "$point: the image is taken away");
    is(cache_bytes(), 0, "$point: the memory is back again");
    leave($victim, $gate);
}

# Who waits for the builder builds itself.
{
    my ($victim, $pid, $gate) = stop_at('build_read');
    my $next = $node->background_psql('postgres');
    $next->query_until(qr/started/, "\\echo started\nSELECT nodes, build_ms > 0 FROM tree_warm();\n");
    ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'object' AND NOT granted}), 'tree_warm waits for the builder');
    terminate($pid);
    like($next->query_safe('SELECT 1'), qr/^3000\|t$/m, 'and builds when the builder is gone');
    leave($victim, $gate, $next);
}

# A reader has the image until it is gone.
{
    my ($victim, $pid, $gate) = stop_at('serve');
    is(sql('SELECT tree_invalidate()'), 't', 'an image is taken away while it is read');
    cmp_ok(cache_bytes(), '>', 0, 'it stays as long as the reader');
    terminate($pid);
    is(cache_bytes(), 0, 'it goes with the reader');
    leave($victim, $gate);
}

# --- Killed ---------------------------------------------------------------------------------------------------------------

sub crash_and_recover {
    my ($pid) = @_;
    my $log = -s $node->logfile;
    PostgreSQL::Test::Utils::system_log('pg_ctl', 'kill', 'KILL', $pid) == 0 or die "cannot kill $pid";
    $node->wait_for_log(qr/all server processes terminated; reinitializing/, $log);
    ok($node->poll_query_until('postgres', undef, ''), 'the server recovers');
    return;
}

for my $point (qw(build_read build_publish serve)) {
    sql('SELECT * FROM tree_warm()');
    sql('UPDATE branch SET name = name || 1 WHERE id = 7') if $point ne 'serve';
    my ($victim, $pid, $gate) = stop_at($point);
    crash_and_recover($pid);
    leave($victim, $gate);
    is(cache_bytes(), 0, "$point: the cache is empty");
    is(sql(q{SELECT (SELECT count(*) FROM tree_stat_cache WHERE state <> 'empty'), (SELECT count(*) FROM tree_stat_progress)}), '0|0', "$point: nothing is left of the build");
    count_from_nothing();
    is_exact($rows, "$point: the answer is right");
    is(counters(), '0|1|1', "$point: that built an image");
    is_exact($rows, "$point: the image answers");
    is(counters(), '1|1|1', "$point: which is counted");
    $node->poll_query_until('postgres', 'SELECT worker_pid IS NOT NULL FROM tree_stat_info') or die 'no worker';
    ok(kill(0, sql('SELECT worker_pid FROM tree_stat_info')), "$point: the worker is back");
}

# --- Stopped --------------------------------------------------------------------------------------------------------------

sql('SELECT * FROM tree_warm(); UPDATE branch SET parent_id = 2 WHERE id = 9');
$rows = sql('SELECT rows FROM reading');
$node->stop('immediate');
$node->start;
is(cache_bytes(), 0, 'after an immediate shutdown the cache is empty');
count_from_nothing();
is_exact($rows, 'and the answer right');
is_exact($rows, 'from an image too');
is(counters(), '1|1|1', 'which was built anew');

# --- Prepared -------------------------------------------------------------------------------------------------------------

# Two transactions, of which one is never committed; savepoints, so that the change has another xid than the transaction.
sub prepare {
    my ($name, $change) = @_;
    sql("BEGIN; SAVEPOINT one; $change; PREPARE TRANSACTION '$name'");
    return;
}

for my $mode (qw(fast immediate)) {
    prepare('grows',  "INSERT INTO branch VALUES (5000, 1, 'x', '$mode')");
    prepare('shrinks', 'DELETE FROM branch WHERE id = 3');
    is_exact($rows, "$mode: what is prepared is not seen");
    $node->stop($mode);
    $node->start;
    count_from_nothing();
    is_exact($rows, "$mode: nor after a restart");
    is_exact($rows, "$mode: nor in the image");
    is(counters(), '1|1|1', "$mode: which was built with both pending");
    sql("COMMIT PREPARED 'grows'");
    is_exact(++$rows, "$mode: one is committed, and seen");
    is(counters(), '1|2|2', "$mode: not from the old image");
    is_exact($rows, "$mode: but from a new one");
    sql("ROLLBACK PREPARED 'shrinks'");
    is_exact($rows, "$mode: the other is rolled back, and the image as good as before");
    is(counters(), '3|2|2', "$mode: which is counted");
    sql('DELETE FROM branch WHERE id = 5000');
    $rows--;
}

# Prepared before the restart, committed before anybody looks after it.
prepare('grows', "INSERT INTO branch VALUES (5000, 1, 'x', 'x')");
$node->restart;
sql("COMMIT PREPARED 'grows'");
is_exact(++$rows, 'committed before the first question after a restart');

$node->stop;
done_testing();
