# Without shared_preload_libraries there is no cache: every function answers the same, and says that nothing is kept.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# A configuration file may have the settings all the same.
$node->append_conf('postgresql.conf', "pg_tree.cache_size = '4MB'\npg_tree.prewarm = 'postgres.branch'\n");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION pg_tree;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i;
    CREATE INDEX ON branch (parent_id);
    ANALYZE branch;
    SELECT tree_register('branch');
});

my @questions = (
    'SELECT * FROM tree_build(1)',
    'SELECT * FROM tree_page(1, NULL)',
    "SELECT * FROM tree_walk(1, search => 'breadth')",
    'SELECT * FROM tree_children(1)',
    'SELECT * FROM tree_siblings(5)',
    'SELECT * FROM tree_ancestors(2999)',
    'SELECT * FROM tree_leaves(1)',
    'SELECT tree_path(2999), tree_path_text(2999), tree_depth(2999), tree_root(2999)',
    'SELECT tree_descendant_count(1), tree_is_ancestor(1, 9), tree_contains(1, 9), tree_lca(30, 31)',
    'SELECT tree_json(1)',
    'SELECT * FROM tree_draw(1)',
    'SELECT * FROM tree_rows(NULL::branch, 1)',
    'SELECT * FROM tree_forest(NULL::branch)');
my $changes = q{
    UPDATE branch SET parent_id = 3 WHERE id = 5;
    DELETE FROM branch WHERE id BETWEEN 2000 AND 2100;
    INSERT INTO branch VALUES (7000, 5, 'x', 'x')};

sub answers { return map { $node->safe_psql('postgres', $_) } @questions; }

my $exact = q{
    WITH RECURSIVE t AS (
        SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM branch WHERE parent_id = 1
        UNION ALL
        SELECT b.id, b.code, b.name, b.parent_id, t.level + 1 FROM branch b JOIN t ON b.parent_id = t.id)
    SELECT (SELECT count(*) FROM (TABLE t EXCEPT ALL SELECT * FROM tree_build(1)) d),
           (SELECT count(*) FROM (SELECT * FROM tree_build(1) EXCEPT ALL TABLE t) d)};

# --- Without --------------------------------------------------------------------------------------------------------------

is($node->safe_psql('postgres', 'SELECT preloaded, cache_bytes, cache_limit_bytes, worker_pid FROM tree_stat_info'), 'f|0|0|', 'not preloaded');
# The planner's support function loads the library before a session's first query is planned.
like($node->safe_psql('postgres', 'EXPLAIN SELECT * FROM tree_build(1)'), qr/Custom Scan \(TreeScan\)/, 'the plan node is there in the first query');
my @before = answers();
is($node->safe_psql('postgres', $exact), '0|0', 'tree_build is the recursive query');
is($node->safe_psql('postgres', q{
    SELECT count(*) FROM tree_build(1);
    SELECT tree_depth(9);
    SELECT tree, reason, count FROM tree_stat_bypass}), "1906\n2\npublic.branch|not_preloaded|2", 'each call is counted, in its session');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM tree_stat_cache), (SELECT count(*) FROM tree_stat_bypass), (SELECT count(*) FROM tree_stat_progress)'),
    '0|0|0', 'nothing else is');

for my $call ('tree_warm()', 'tree_invalidate()') {
    my ($status, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM $call");
    is($status, 0, "$call is no error");
    like($err, qr/WARNING:  \w+: there is no cache\nDETAIL:  pg_tree is not in shared_preload_libraries.*\nHINT:  Set shared_preload_libraries = 'pg_tree'/,
        '... but a warning');
}

my ($status, $out, $err) = $node->psql('postgres', "SET pg_tree.enable_cache = off; SELECT tree_depth(9)");
is("$status|$out|$err", '0|2|', 'the switch is there');

# Changes, in the same session and others', in a transaction and after it.
my $session = $node->background_psql('postgres');
$session->query_safe("SELECT count(*) FROM tree_build(1); BEGIN; $changes");
is($session->query_safe($exact), '0|0', "a transaction's own changes");
is_deeply([answers()], \@before, 'nobody else sees them');
$session->query_safe('COMMIT');
my @after = answers();
isnt($after[0], $before[0], 'committed, everybody does');
is($node->safe_psql('postgres', $exact), '0|0', 'tree_build is the recursive query');
$session->quit;

# Parallel workers do not count on a cache either.
my $forced = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
is($node->safe_psql('postgres', "SET $forced = on; SELECT * FROM tree_build(1)"), $after[0], "$forced: the answer is the same");

# --- With -----------------------------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_tree'");
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT state = 'current' AND builds = 1 FROM tree_stat_cache WHERE tree = 'public.branch'}),
    'preloaded: the tree is built as pg_tree.prewarm says');
is_deeply([answers()], \@after, 'preloaded: the same answers');
is($node->safe_psql('postgres', 'SELECT preloaded, cache_bytes > 0, cache_limit_bytes, worker_pid IS NOT NULL FROM tree_stat_info'),
    't|t|4194304|t', 'preloaded: so it says');
is($node->safe_psql('postgres', 'SELECT hits > 10, misses + bypasses FROM tree_stat_cache'), 't|0', '... from the cache');
is($node->safe_psql('postgres', "SELECT count(*) FROM tree_stat_bypass WHERE reason = 'not_preloaded'"), 0, '... and is not counted as absent');

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is_deeply([answers()], \@after, 'and without again');

$node->stop;
done_testing();
