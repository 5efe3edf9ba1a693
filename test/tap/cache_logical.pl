# What logical replication writes into a tree is noticed, although its worker fires no ordinary triggers: the registration's are
# ENABLE ALWAYS. When they are not, the tree is read from its table.
#
# Fails without: same_writers, triggers.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', q(
max_prepared_transactions = 5
logical_decoding_work_mem = 64kB
autovacuum = off
));
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
max_prepared_transactions = 5
autovacuum = off
));
$subscriber->start;

my $table = 'CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text)';
$publisher->safe_psql('postgres', qq{
    $table;
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i;
    CREATE PUBLICATION branches FOR TABLE branch});
$subscriber->safe_psql('postgres', qq{
    CREATE EXTENSION pg_tree;
    $table;
    CREATE INDEX ON branch (parent_id);
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

sub rows_on {
    my ($node) = @_;
    return $node->safe_psql('postgres', q{
        WITH RECURSIVE t AS (SELECT id FROM branch WHERE parent_id = 1 UNION ALL SELECT b.id FROM branch b JOIN t ON b.parent_id = t.id)
        SELECT count(*) FROM t});
}
sub on_subscriber { my ($sql) = @_; return $subscriber->safe_psql('postgres', $sql); }
sub hits { return on_subscriber(q{SELECT hits FROM tree_stat_cache WHERE tree = 'public.branch'}); }

# Sees to it that there is an image that answers, makes the publisher change its table, and compares.
sub is_noticed {
    my ($name, $change) = @_;
    on_subscriber('SELECT * FROM tree_warm()');
    my $hits   = hits();
    my $before = on_subscriber('TABLE reading');
    is(hits(), $hits + 1, "$name: before, the image answers");
    $publisher->safe_psql('postgres', $change);
    $publisher->wait_for_catchup('branches');
    is(on_subscriber('TABLE reading'), rows_on($publisher) . '|0|0', "$name: after, the answer is right");
    is(hits(), $hits + 1, "$name: and not from that image");
    return;
}

# --- The first copy -------------------------------------------------------------------------------------------------------

is(on_subscriber('SELECT nodes FROM tree_warm()'), 0, 'an image of an empty tree');
is(on_subscriber('TABLE reading'), '0|0|0', 'which has no rows');
my $connection = $publisher->connstr('postgres');
on_subscriber("CREATE SUBSCRIPTION branches CONNECTION \$c\$$connection\$c\$ PUBLICATION branches WITH (streaming = on, two_phase = on)");
$subscriber->wait_for_subscription_sync($publisher, 'branches');
is(on_subscriber('TABLE reading'), rows_on($publisher) . '|0|0', 'the first copy');

# --- Changes --------------------------------------------------------------------------------------------------------------

is_noticed('INSERT',   "INSERT INTO branch VALUES (4000, 1, 'x', 'x')");
is_noticed('UPDATE',   'UPDATE branch SET parent_id = 2 WHERE id = 9');
is_noticed('a name',   "UPDATE branch SET name = 'new name' WHERE id = 10");
is_noticed('DELETE',   'DELETE FROM branch WHERE id BETWEEN 2000 AND 2100');
is_noticed('a savepoint', q{BEGIN; SAVEPOINT one; INSERT INTO branch VALUES (4001, 1, 'x', 'x'); SAVEPOINT two; DELETE FROM branch WHERE id = 4000; ROLLBACK TO two; RELEASE one; COMMIT});
is_noticed('a large transaction, sent before it commits', q{
    BEGIN; SAVEPOINT one; INSERT INTO branch SELECT i, 1, repeat('x', 100), 'x' FROM generate_series(5000, 8000) i; RELEASE one; COMMIT});
is_noticed('TRUNCATE', 'TRUNCATE branch');
is_noticed('new rows', "INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i");

# A row that comes as it was changes nothing.
on_subscriber('SELECT * FROM tree_warm()');
my $hits = hits();
$publisher->safe_psql('postgres', 'UPDATE branch SET name = name WHERE id = 10');
$publisher->wait_for_catchup('branches');
my $rows = rows_on($publisher);
is(on_subscriber('TABLE reading'), "$rows|0|0", 'a row as it was');
is(hits(), $hits + 1, 'leaves the image as good as it was');

# Prepared on both sides.
$hits = hits();
$publisher->safe_psql('postgres', q{BEGIN; INSERT INTO branch VALUES (4000, 1, 'x', 'x'); PREPARE TRANSACTION 'grows'});
$publisher->wait_for_catchup('branches');
is(on_subscriber('SELECT count(*) FROM pg_prepared_xacts'), 1, 'the subscriber prepares');
is(on_subscriber('TABLE reading'), "$rows|0|0", 'what is prepared is not seen');
is(hits(), $hits + 1, 'and the image goes on answering');
$publisher->safe_psql('postgres', q{COMMIT PREPARED 'grows'});
$publisher->wait_for_catchup('branches');
$rows++;
is(on_subscriber('TABLE reading'), "$rows|0|0", 'committed, it is');
is(hits(), $hits + 1, 'and not answered from that image');

# A session of the subscriber's that keeps its snapshot meanwhile.
my $session = $subscriber->background_psql('postgres');
on_subscriber('SELECT * FROM tree_warm()');
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($session->query_safe('TABLE reading'), "$rows|0|0", 'a snapshot');
$publisher->safe_psql('postgres', "INSERT INTO branch VALUES (4001, 1, 'x', 'x')");
$publisher->wait_for_catchup('branches');
is(on_subscriber('TABLE reading'), $rows + 1 . '|0|0', 'others see what has arrived since');
is($session->query_safe('TABLE reading'), "$rows|0|0", 'it does not');
$session->query_safe('COMMIT');
is($session->query_safe('TABLE reading'), ++$rows . '|0|0', 'then it does');
$session->quit;

# --- Triggers that do not fire for replication ----------------------------------------------------------------------------

on_subscriber('SELECT * FROM tree_warm()');
$hits = hits();
on_subscriber('ALTER TABLE branch ENABLE TRIGGER ALL');
for my $change ("INSERT INTO branch VALUES (4002, 1, 'x', 'x')", "INSERT INTO branch VALUES (4003, 1, 'x', 'x')") {
    is(on_subscriber('SELECT count(*) FROM tree_warm()'), 0, 'without ALWAYS, tree_warm builds nothing');
    is(on_subscriber('TABLE reading'), "$rows|0|0", 'without ALWAYS, the answer is right');
    $publisher->safe_psql('postgres', $change);
    $publisher->wait_for_catchup('branches');
    $rows++;
}
is(on_subscriber('TABLE reading'), "$rows|0|0", 'without ALWAYS, the answer is right');
is(hits(), $hits, 'without ALWAYS, no image answers');
is(on_subscriber(q{SELECT count FROM tree_stat_bypass WHERE reason = 'trigger_missing'}), 3, 'without ALWAYS, that is counted');
on_subscriber("SELECT tree_register('branch')");
is_noticed('registered again', "INSERT INTO branch VALUES (4004, 1, 'x', 'x')");

on_subscriber('DROP SUBSCRIPTION branches');
$subscriber->stop;
$publisher->stop;
done_testing();
