# Trees on a hot standby, on a logical subscriber, and while session_replication_role turns ordinary triggers off.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->append_conf('postgresql.conf', 'shared_buffers = 32MB');
$primary->start;
$primary->safe_psql('postgres', q{
    CREATE EXTENSION pg_tree;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text, weight int);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i, 1 FROM generate_series(1, 3000) i;
    CREATE INDEX ON branch (parent_id);
    SELECT tree_register('branch', filter => 'weight > 0');
});

my $registry = 'SELECT * FROM tree_registry ORDER BY tree';
my $oracle   = q{
    WITH RECURSIVE t AS (
        SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM branch WHERE parent_id = 1 AND weight > 0
        UNION ALL
        SELECT b.id, b.code, b.name, b.parent_id, t.level + 1 FROM branch b JOIN t ON b.parent_id = t.id WHERE b.weight > 0)
    SELECT (SELECT count(*) FROM t),
           (SELECT count(*) FROM (TABLE t EXCEPT ALL SELECT * FROM tree_build(1, 'branch')) d),
           (SELECT count(*) FROM (SELECT * FROM tree_build(1, 'branch') EXCEPT ALL TABLE t) d)};

sub count_below { my ($node) = @_; return $node->safe_psql('postgres', "SELECT count(*) FROM tree_build(1, 'branch')"); }

sub is_exact {
    my ($node, $name) = @_;
    my $rows = count_below($node);
    is($node->safe_psql('postgres', $oracle), "$rows|0|0", "$name: tree_build is the recursive query ($rows rows)");
    return;
}

# --- A hot standby ------------------------------------------------------------------------------------------------------

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my @questions = (
    "SELECT * FROM tree_build(1, 'branch')",
    "SELECT * FROM tree_page(1, NULL, 'branch')",
    "SELECT * FROM tree_walk(1, 'branch')",
    "SELECT * FROM tree_children(1, 'branch')",
    "SELECT * FROM tree_siblings(5, 'branch')",
    "SELECT * FROM tree_ancestors(2999, 'branch')",
    "SELECT * FROM tree_leaves(1, 'branch')",
    "SELECT tree_path(2999, 'branch'), tree_path_text(2999, 'branch'), tree_depth(2999, 'branch'), tree_root(2999, 'branch')",
    "SELECT tree_descendant_count(1, 'branch'), tree_is_ancestor(1, 9, 'branch'), tree_contains(1, 9, 'branch'), tree_lca(30, 31, 'branch')",
    "SELECT tree_json(1, 'branch')",
    "SELECT * FROM tree_draw(1, 'branch')",
    "SELECT * FROM tree_rows(NULL::branch, 1)",
    "SELECT * FROM tree_forest(NULL::branch)",
    "SELECT tree_wrapper_sql('branch')",
    $registry);
for my $query (@questions) {
    is($standby->safe_psql('postgres', $query), $primary->safe_psql('postgres', $query), "standby: $query");
}
is_exact($standby, 'standby');
my ($status, $out, $err) = $standby->psql('postgres', "SELECT tree_register('branch', 'other')");
like($err, qr/ERROR:  cannot .* (in a read-only transaction|while recovery is in progress)/, 'standby: registering is refused');
($status, $out, $err) = $standby->psql('postgres', "SELECT tree_unregister('branch')");
like($err, qr/ERROR:  cannot .* (in a read-only transaction|while recovery is in progress)/, 'standby: unregistering is refused');

# A session that stays sees what the primary does next, and keeps its snapshot while it has one.
my $session = $standby->background_psql('postgres', on_error_stop => 0);
$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $before = $session->query("SELECT count(*) FROM tree_build(1, 'branch')");
$primary->safe_psql('postgres', 'UPDATE branch SET weight = 0 WHERE id = 4; INSERT INTO branch VALUES (5000, 1, NULL, NULL, 1)');
$primary->wait_for_catchup($standby);
is($session->query("SELECT count(*) FROM tree_build(1, 'branch')"), $before, 'standby: an old snapshot');
$session->query('COMMIT');
is($session->query("SELECT count(*) FROM tree_build(1, 'branch')"), count_below($primary), 'standby: a new one');
$primary->safe_psql('postgres', 'ALTER TABLE branch RENAME id TO key; ALTER TABLE branch RENAME weight TO mass');
$primary->wait_for_catchup($standby);
is($session->query("SELECT count(*) FROM tree_build(1, 'branch')"), count_below($primary), 'standby: columns are renamed');
is($session->query($registry), $primary->safe_psql('postgres', $registry), 'standby: the registration follows');
$primary->safe_psql('postgres', 'ALTER TABLE branch RENAME key TO id; ALTER TABLE branch RENAME mass TO weight');
$primary->safe_psql('postgres', "SELECT tree_unregister('branch')");
$primary->wait_for_catchup($standby);
$session->query("SELECT count(*) FROM tree_build(1, 'branch')");
like($session->{stderr}, qr/tree "branch" does not exist/, 'standby: unregistered');
$session->{stderr} = '';
$primary->safe_psql('postgres', "SELECT tree_register('branch', filter => 'weight > 0')");
$primary->wait_for_catchup($standby);
is($session->query("SELECT count(*) FROM tree_build(1, 'branch')"), count_below($primary), 'standby: registered again');

# After promotion it is a primary with the same trees.
$standby->promote;
is($session->query("SELECT count(*) FROM tree_build(1, 'branch')"), count_below($primary), 'promoted: the session goes on');
$standby->safe_psql('postgres', 'INSERT INTO branch VALUES (6000, 1, NULL, NULL, 1)');
is_exact($standby, 'promoted');
is($standby->safe_psql('postgres', 'SELECT tracked FROM tree_registry'), 't', 'promoted: tracked');
$session->quit;
$standby->stop;

# --- session_replication_role -------------------------------------------------------------------------------------------

is($primary->safe_psql('postgres', q{
    SET session_replication_role = replica;
    UPDATE branch SET weight = 1 WHERE id = 4;
    ALTER TABLE branch RENAME name TO title;
    SELECT tree, name, tracked FROM tree_registry;
    ALTER TABLE branch RENAME title TO name;
    SELECT tree, name, tracked FROM tree_registry}), "branch|title|t\nbranch|name|t", 'replica: a renamed column is followed');
is_exact($primary, 'replica');
is($primary->safe_psql('postgres', q{SELECT tgnargs > 0, tgenabled FROM pg_trigger WHERE tgrelid = 'branch'::regclass ORDER BY 1}),
    "f|A\nt|A", 'the triggers are ENABLE ALWAYS');
is($primary->safe_psql('postgres', q{
    SET session_replication_role = replica;
    CREATE TABLE twig (id int PRIMARY KEY, parent_id int);
    INSERT INTO twig VALUES (1, NULL), (2, 1);
    SELECT tree_register('twig');
    SELECT tracked, (SELECT id FROM tree_build(1, 'twig')) FROM tree_registry WHERE tree = 'twig';
    DROP TABLE twig}), "twig\nt|2", 'replica: registered');

# --- A logical subscriber -----------------------------------------------------------------------------------------------

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;
$subscriber->safe_psql('postgres', q{
    CREATE EXTENSION pg_tree;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text, weight int);
    CREATE INDEX ON branch (parent_id);
    SELECT tree_register('branch', filter => 'weight > 0');
});
$primary->safe_psql('postgres', 'CREATE PUBLICATION branches FOR TABLE branch');
$subscriber->safe_psql('postgres', sprintf(q{CREATE SUBSCRIPTION branches CONNECTION $c$%s$c$ PUBLICATION branches}, $primary->connstr('postgres')));
$subscriber->wait_for_subscription_sync($primary, 'branches');
is(count_below($subscriber), count_below($primary), 'subscriber: the first copy');
$primary->safe_psql('postgres', q{
    UPDATE branch SET parent_id = 3 WHERE id = 5;
    DELETE FROM branch WHERE id BETWEEN 2000 AND 2100;
    INSERT INTO branch VALUES (7000, 5, 'x', 'x', 1);
});
$primary->wait_for_catchup('branches');
is(count_below($subscriber), count_below($primary), 'subscriber: changes');
is($subscriber->safe_psql('postgres', "SELECT tree_path(7000, 'branch')"), $primary->safe_psql('postgres', "SELECT tree_path(7000, 'branch')"),
    'subscriber: a moved subtree');
is_exact($subscriber, 'subscriber');
$primary->safe_psql('postgres', 'TRUNCATE branch; INSERT INTO branch VALUES (1, NULL, NULL, NULL, 1), (2, 1, NULL, NULL, 1)');
$primary->wait_for_catchup('branches');
is($subscriber->safe_psql('postgres', "SELECT id FROM tree_build(1, 'branch')"), 2, 'subscriber: TRUNCATE');
is($subscriber->safe_psql('postgres', 'SELECT tracked FROM tree_registry'), 't', 'subscriber: tracked');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION branches');

$subscriber->stop;
$primary->stop;
done_testing();
