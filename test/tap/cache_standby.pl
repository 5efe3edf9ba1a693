# A hot standby answers from its tables, because its snapshots do not say who is running. So does a snapshot that was taken before the
# promotion, however long it is kept; what is taken after it is answered from images again.
#
# Fails without: recovery.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
max_prepared_transactions = 5
autovacuum = off
));
$primary->start;
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_tree;
    CREATE TABLE other (n int);
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i;
    CREATE INDEX ON branch (parent_id);
    ANALYZE branch;
    SELECT tree_register('branch');

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
my $rows = $primary->safe_psql('postgres', 'SELECT rows FROM reading');
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub counters { return $standby->safe_psql('postgres', q{SELECT hits, misses, builds, bypasses FROM tree_stat_cache WHERE tree = 'public.branch'}); }
sub bypasses { return $standby->safe_psql('postgres', q{SELECT reason, count FROM tree_stat_bypass WHERE tree = 'public.branch' ORDER BY reason}); }
sub session { my ($node) = @_; return $node->background_psql('postgres'); }

# --- The standby ----------------------------------------------------------------------------------------------------------

$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'TABLE reading'), "$rows|0|0", 'standby: the answer is right');
$standby->safe_psql('postgres', 'SELECT tree_path(2999), tree_depth(2999), tree_json(1) IS NULL');
is(bypasses(), 'standby|4', 'standby: so are four calls from the table');
is(counters(), '0|0|0|4', 'standby: none of which counts otherwise');
is($standby->safe_psql('postgres', 'SELECT preloaded, cache_bytes, worker_pid IS NOT NULL FROM tree_stat_info'), 't|0|t', 'standby: the worker keeps statistics, and builds nothing');
my ($status, $out, $err) = $standby->psql('postgres', 'SELECT * FROM tree_warm()');
is("$status|$out", '0|', 'standby: tree_warm builds nothing');
like($err, qr/WARNING:  tree public\.branch was not cached\nDETAIL:  The server is a standby\./, '... and says why');

$primary->safe_psql('postgres', "INSERT INTO branch VALUES (4000, 1, 'x', 'x')");
$rows++;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'TABLE reading'), "$rows|0|0", 'standby: a change arrives');

# --- Snapshots from before the promotion ------------------------------------------------------------------------------------

# A transaction that changed the tree and is running when the snapshot is taken: the list that says so for a snapshot of a primary is empty
# in one of a standby. A later one has ended, so that the snapshot's xmax does not tell either.
my $writer = session($primary);
$writer->query_safe("BEGIN; INSERT INTO branch VALUES (4001, 1, 'x', 'x')");
$primary->safe_psql('postgres', 'INSERT INTO other VALUES (1)');
# Another is prepared, and will be when the standby is promoted.
$primary->safe_psql('postgres', q{BEGIN; INSERT INTO branch VALUES (4002, 1, 'x', 'x'); PREPARE TRANSACTION 'grows'});
$primary->safe_psql('postgres', 'INSERT INTO other VALUES (2)');
$primary->wait_for_catchup($standby);

my @early = map { session($standby) } 1 .. 2;
$_->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ') for @early;
is($_->query_safe('TABLE reading'), "$rows|0|0", 'before the promotion') for @early;
my $early_rows = $rows;
my $open       = session($standby);
$open->query_safe('BEGIN; DECLARE tree CURSOR FOR TABLE reading');

$writer->query_safe('COMMIT');
$rows++;
$primary->wait_for_catchup($standby);
# This one sees the writer committed; the transaction that is prepared is still running for it.
my $late = session($standby);
$late->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($late->query_safe('TABLE reading'), "$rows|0|0", 'right before the promotion');
my $late_rows = $rows;

$standby->promote;
ok($standby->poll_query_until('postgres', 'SELECT worker_pid IS NOT NULL FROM tree_stat_info'), 'promoted: the worker runs');
my $before = bypasses();
is($standby->safe_psql('postgres', 'SELECT nodes, build_ms > 0 FROM tree_warm()'), '3002|t', 'promoted: an image is built');
is($standby->safe_psql('postgres', 'TABLE reading'), "$rows|0|0", 'promoted: the answer is right');
is(counters() =~ s/\|\d+$//r, '1|0|1', 'promoted: it comes from the image');
is($early[0]->query_safe('TABLE reading'), "$early_rows|0|0", 'promoted: an old snapshot sees what it saw');
is($late->query_safe('TABLE reading'), "$late_rows|0|0", 'promoted: so does a younger one');
is($open->query_safe('FETCH ALL FROM tree'), "$early_rows|0|0", 'promoted: so does a cursor');
is(counters() =~ s/\|\d+$//r, '1|0|1', 'promoted: none of them from the image');
isnt(bypasses(), $before, 'promoted: which is counted');

$standby->safe_psql('postgres', q{COMMIT PREPARED 'grows'});
$rows++;
is($standby->safe_psql('postgres', 'TABLE reading'), "$rows|0|0", 'promoted: COMMIT PREPARED is noticed');
is($late->query_safe('TABLE reading'), "$late_rows|0|0", 'promoted: not by an old snapshot');
is($early[1]->query_safe('TABLE reading'), "$early_rows|0|0", 'promoted: nor by one that had not asked since');
# Nor is an image built from an old one, when it needs the whole tree and there is none.
$standby->safe_psql('postgres', 'SELECT tree_invalidate()');
is($early[1]->query_safe('TABLE reading'), "$early_rows|0|0", 'promoted: without an image');
is($standby->safe_psql('postgres', q{SELECT state FROM tree_stat_cache WHERE tree = 'public.branch'}), 'empty', 'promoted: none was built');
like(bypasses(), qr/^standby\|\d+$/, 'promoted: there was no other reason');

# The same sessions go on with new snapshots.
$_->query_safe('COMMIT') for @early, $late, $open;
is($_->query_safe('TABLE reading'), "$rows|0|0", 'promoted: a new snapshot') for @early, $late, $open;
is(counters() =~ s/\|\d+$//r, '4|2|3', 'promoted: one builds, the others are answered from that');
$standby->safe_psql('postgres', "INSERT INTO branch VALUES (4003, 1, 'x', 'x')");
$rows++;
is($standby->safe_psql('postgres', 'TABLE reading'), "$rows|0|0", 'promoted: changes are noticed');
$_->quit for $writer, @early, $late, $open;

$standby->stop;
$primary->stop;
done_testing();
