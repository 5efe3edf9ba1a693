# Images that nobody waits for: those that pg_tree.prewarm names, at the server's start, and those of trees that small calls ask about
# again and again. What cannot be built is said in the log, and harms nothing.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# Room for the launcher and one builder; everything else that a server starts has places of its own or is turned off.
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
max_logical_replication_workers = 0
max_worker_processes = 2
autovacuum = off
));
$node->start;

sub create_tree {
    my ($database, $schema, $name, $rows) = @_;
    $node->safe_psql($database, qq{
        CREATE SCHEMA IF NOT EXISTS "$schema";
        CREATE TABLE "$schema"."$name" (id int PRIMARY KEY, parent_id int, code text, name text);
        INSERT INTO "$schema"."$name" SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, $rows) i;
        CREATE INDEX ON "$schema"."$name" (parent_id);
        ANALYZE "$schema"."$name";
        SELECT tree_register('"$schema"."$name"')});
    return;
}

for my $database ('one', 'two', 'The "Third", one') {
    $node->safe_psql('postgres', 'CREATE DATABASE "' . $database =~ s/"/""/gr . '"');
    $node->safe_psql($database, 'CREATE EXTENSION pg_tree');
    create_tree($database, 'public', 'branch', 3000);
}
create_tree('one', 'apart',     'branch',   30);
create_tree('one', 'My Schema', 'The Tree', 40);
create_tree('one', 'public',    'bare',     50);
$node->safe_psql('postgres', 'CREATE DATABASE without_extension');

# Trees that are cached, with what has been counted for each.
my $cached = q{SELECT datname, tree, nodes, hits, misses, builds FROM tree_stat_cache WHERE state = 'current' ORDER BY 1, 2};

sub restart_with {
    my ($setting) = @_;
    my $log = -s $node->logfile;
    $setting =~ s/'/''/g;
    $node->append_conf('postgresql.conf', "pg_tree.prewarm = '$setting'");
    $node->restart;
    return $log;
}

sub becomes_cached {
    my ($expected, $name) = @_;
    ok($node->poll_query_until('one', $cached, $expected), $name)
        or diag($node->safe_psql('one', $cached));
    return;
}

# --- At the server's start --------------------------------------------------------------------------------------------------

my $log = restart_with(join ', ', 'one.branch', 'one.apart.branch', q{one."My Schema"."The Tree"}, 'two.public.branch', q{"The ""Third"", one".branch},
    'one.nowhere', 'nowhere.branch', 'without_extension.branch', 'branch', 'one.', ',');
becomes_cached(join("\n", 'The "Third", one|public.branch|3000|0|0|1', 'one|"My Schema"."The Tree"|40|0|0|1', 'one|apart.branch|30|0|0|1',
        'one|public.branch|3000|0|0|1', 'two|public.branch|3000|0|0|1'), 'every tree that there is');
is($node->safe_psql('two', q{SELECT count(*) FROM tree_build(1); SELECT hits FROM tree_stat_cache WHERE datname = 'two'}), "1906\n1", 'it answers from the first call on');
$node->wait_for_log(qr/FATAL:  database "nowhere" does not exist/, $log);
ok($node->poll_query_until('one', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_tree builder'}), 'the builders come to an end');
my $text = PostgreSQL::Test::Utils::slurp_file($node->logfile, $log);
like($text, qr/ERROR:  tree "nowhere" does not exist/,           'a tree that does not exist is logged');
like($text, qr/LOG:  pg_tree\.prewarm: "branch" names no tree/, 'so is what is no name of a tree');
unlike($text, qr/terminated by signal|PANIC|TRAP/, 'nothing else happened');
ok(kill(0, $node->safe_psql('one', 'SELECT worker_pid FROM tree_stat_info')), 'the launcher is not');

# What else can be written there.
for my $setting ('', ' ', ',', '.', '"', '"one', 'one."', 'one.branch.more.than.enough', q{'; DROP TABLE branch; --.x}, 'x' x 1000, 'x' x 100 . '.y', "\xC3\xA4.\xC3\xB6") {
    restart_with($setting);
    is($node->safe_psql('one', 'SELECT count(*) FROM tree_build(1, \'branch\')'), 1906, 'the server starts with ' . substr($setting, 0, 30) =~ s/[^ -~]/?/gr);
}

# --- No room for another worker -----------------------------------------------------------------------------------------------

$log = do {
    $node->append_conf('postgresql.conf', 'max_worker_processes = 1');
    restart_with('one.branch, two.branch');
};
ok($node->poll_query_until('one', 'SELECT worker_pid IS NOT NULL FROM tree_stat_info'), 'no room: the launcher runs');
$node->wait_for_log(qr/LOG:  pg_tree\.prewarm: no background worker was free for database "two"/, $log);
$text = PostgreSQL::Test::Utils::slurp_file($node->logfile, $log);
like($text, qr/no background worker was free for database "one"\n.*HINT:  Raise max_worker_processes\./, 'no room: so says the log');
$node->safe_psql('one', 'SELECT tree_stat_reset()');
is($node->safe_psql('one', "SELECT count(*) FROM tree_build(1, 'branch'); SELECT count(*) FROM tree_build(1, 'branch')"), "1906\n1906", 'no room: calls are answered');
is($node->safe_psql('one', $cached), 'one|public.branch|3000|1|1|1', 'no room: and build for themselves');

# --- In the background --------------------------------------------------------------------------------------------------------

# So large that a small call does not build it by itself.
create_tree('one', 'public', 'large', 200000);

# Asks until the tree is built; then the answers come from the image.
my $ask = q{SELECT count(tree_path(1 + n * 37 % 200000, 'large')) FROM generate_series(1, 2000) n};
my $large = q{SELECT state, builds FROM tree_stat_cache WHERE tree = 'public.large'};

$log = -s $node->logfile;
for (1 .. 3) {
    is($node->safe_psql('one', $ask), 2000, 'no room: small calls are answered');
}
is($node->safe_psql('one', $large), 'empty|0', 'no room: nothing is built for them');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile, $log), qr/ERROR|WARNING|FATAL/, 'no room: nobody is bothered with it');

$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
restart_with('');
ok($node->poll_query_until('one', "$ask;\n$large", "2000\ncurrent|1"), 'small calls have it built');
my $counters = q{SELECT hits, misses, builds FROM tree_stat_cache WHERE tree = 'public.large'};
my ($hits, $misses) = split /\|/, $node->safe_psql('one', $counters);
is($node->safe_psql('one', $ask), 2000, 'and are answered from that');
is($node->safe_psql('one', $counters), join('|', $hits + 2000, $misses, 1), 'which is counted');
is($node->safe_psql('one', q{
    WITH RECURSIVE up AS (SELECT id, parent_id, 1 AS n FROM large WHERE id = 199999 UNION ALL SELECT l.id, l.parent_id, n + 1 FROM large l JOIN up ON l.id = up.parent_id)
    SELECT tree_path(199999, 'large') = (SELECT array_agg(id::bigint ORDER BY n DESC) FROM up)}), 't', 'and rightly');

# After a change it is built again, when that has become worth while again.
$node->safe_psql('one', 'UPDATE large SET parent_id = 2 WHERE id = 199999');
is($node->safe_psql('one', "SELECT tree_path(199999, 'large')"), '{2,199999}', 'a change is seen at once');
ok($node->poll_query_until('one', "$ask;\n$large", "2000\ncurrent|2"), 'and small calls have it built again');
is($node->safe_psql('one', "SELECT tree_path(199999, 'large')"), '{2,199999}', 'with the change');

# Taken away, it comes back in the same way.
$node->safe_psql('one', "SELECT tree_invalidate('large')");
ok($node->poll_query_until('one', "$ask;\n$large", "2000\ncurrent|3"), 'and once more');

$node->safe_psql('postgres', 'DROP DATABASE one WITH (FORCE)');
is($node->safe_psql('two', q{SELECT count(*) FROM tree_stat_cache WHERE datname = 'one' OR datname IS NULL}), 0, 'nothing is kept of a database that was dropped');

$node->stop;
done_testing();
