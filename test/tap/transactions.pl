# Prepared transactions, restarts, parallel queries, and many sessions that register at once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nlock_timeout = '10s'");
$node->start;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

sub fails {
    my ($sql, $error, $name) = @_;
    my ($status, $out, $err) = $node->psql('postgres', $sql);
    like($err, $error, $name);
    return;
}

sql(q{
    CREATE EXTENSION pg_tree;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 20000) i;
    CREATE INDEX ON branch (parent_id);
    ANALYZE branch;
});

# --- Prepared transactions ----------------------------------------------------------------------------------------------

sql("BEGIN; SELECT tree_register('branch'); PREPARE TRANSACTION 'registers'");
fails("SELECT tree_build(1, 'branch')", qr/tree "branch" does not exist/, 'a registration that is prepared is not there yet');
fails("SET lock_timeout = '10ms'; SELECT tree_register('branch')", qr/canceling statement due to lock timeout/, '... and stands in the way of another');
$node->restart;
fails("SELECT tree_build(1, 'branch')", qr/tree "branch" does not exist/, 'nor is it after a restart');
sql("COMMIT PREPARED 'registers'");
is(sql('SELECT tree, tracked FROM tree_registry'), 'branch|t', 'committed, it is');
my $rows = sql("SELECT count(*) FROM tree_build(1, 'branch')");
is($rows, sql(q{WITH RECURSIVE t AS (SELECT id FROM branch WHERE parent_id = 1 UNION ALL SELECT b.id FROM branch b JOIN t ON b.parent_id = t.id)
                SELECT count(*) FROM t}), 'committed, it can be read');

sql("BEGIN; SELECT tree_register('branch', 'second'); PREPARE TRANSACTION 'never'");
sql("ROLLBACK PREPARED 'never'");
is(sql('SELECT tree FROM tree_registry'), 'branch', 'rolled back, it is not');

sql("BEGIN; SELECT tree_unregister('branch'); PREPARE TRANSACTION 'unregisters'");
fails("SET lock_timeout = '10ms'; SELECT count(*) FROM tree_build(1, 'branch')", qr/canceling statement due to lock timeout/,
    'unregistering that is prepared makes readers wait');
sql("ROLLBACK PREPARED 'unregisters'");
is(sql("SELECT count(*) FROM tree_build(1, 'branch')"), $rows, 'rolled back, the tree is there');

# Having read a tree is no obstacle to PREPARE, and keeps the table.
sql("BEGIN; SELECT count(*) FROM tree_build(1, 'branch'); INSERT INTO branch VALUES (30000, 1, 'x', 'x'); PREPARE TRANSACTION 'reads'");
is(sql("SELECT count(*) FROM tree_build(1, 'branch')"), $rows, 'a row that is prepared is not there');
fails("SET lock_timeout = '10ms'; DROP TABLE branch", qr/canceling statement due to lock timeout/, 'a prepared reader keeps its table');
sql("COMMIT PREPARED 'reads'");
is(sql("SELECT count(*) FROM tree_build(1, 'branch')"), ++$rows, 'committed, the row is there');

# --- In parallel queries --------------------------------------------------------------------------------------------------

my $parallel = q{
    SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
    SET enable_nestloop = off; SET enable_mergejoin = off; SET enable_indexscan = off; SET enable_bitmapscan = off;
};
my %query = (
    'a join' => q{SELECT count(*), sum(b.id) FROM branch b JOIN tree_build(1, 'branch') t ON b.id = t.id},
    'the target list' => q{SELECT count(path), sum(cardinality(path)) FROM (SELECT tree_path(b.id, 'branch') AS path FROM branch b WHERE b.id % 10 = 0 OFFSET 0) p},
    'a subquery' => q{SELECT count(*) FROM branch WHERE id IN (SELECT id FROM tree_leaves(1, 'branch')) AND length(name) > 0},
    'a condition' => q{SELECT count(*) FROM (SELECT id FROM branch WHERE id % 20 = 0 OFFSET 0) b WHERE tree_is_ancestor(1, id, 'branch')});
for my $name (sort keys %query) {
    like(sql("$parallel EXPLAIN $query{$name}"), qr/Gather/, "$name: the plan is parallel");
    is(sql("$parallel $query{$name}"), sql("SET max_parallel_workers_per_gather = 0; $query{$name}"), "$name: the answer is the same");
}
my $forced = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';
is(sql("SET $forced = on; SELECT count(*) FROM tree_build(1, 'branch')"), $rows, "$forced: the answer is the same");
is(sql("SET $forced = on; SELECT tree_path(100, 'branch')"), sql("SELECT tree_path(100, 'branch')"), "$forced: a path");

# Who calls it safe sends it into a worker, where it is none the worse for it.
sql(q{CREATE FUNCTION called_safe(node int) RETURNS bigint[] LANGUAGE sql PARALLEL SAFE STABLE AS $$ SELECT tree_path(node::bigint, 'branch') $$;
      CREATE FUNCTION called_safe_too(root int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE STABLE AS $$
      BEGIN RETURN (SELECT count(*) FROM tree_build(root::bigint, 'branch')); END $$});
is(sql("SET $forced = on; SELECT called_safe_too(1)"), $rows, 'in a worker');
is(sql("$parallel SELECT sum(called_safe_too(id)) FROM branch WHERE id % 100 = 0"),
    sql("SET max_parallel_workers_per_gather = 0; SELECT sum(called_safe_too(id)) FROM branch WHERE id % 100 = 0"), 'in several workers');

# --- Many at once ---------------------------------------------------------------------------------------------------------

# Each of four sessions registers, reads, registers otherwise and unregisters the same tables, over and over. Whoever comes too
# late is told so; nobody meets anything else, and nobody deadlocks.
sql(q{
    CREATE TABLE shared_1 (id int PRIMARY KEY, parent_id int, code text);
    CREATE TABLE shared_2 (id int PRIMARY KEY, parent_id int, code text);
    INSERT INTO shared_1 SELECT i, nullif(i / 2, 0), i FROM generate_series(1, 100) i;
    INSERT INTO shared_2 TABLE shared_1;
});
$node->pgbench('--no-vacuum --client=4 --jobs=2 --transactions=40', 0, [qr/processed: 160\/160/], [qr/^(?!.*(ERROR|WARNING))/s],
    'registering at once', { 'registering' => q{
        \set which random(1, 2)
        SELECT tree_register(('shared_' || :which)::regclass);
        SELECT count(*) FROM tree_registry;
        DO $$ BEGIN PERFORM tree_build(1, 'shared_1'), tree_build(1, 'shared_2'); EXCEPTION WHEN undefined_object THEN NULL; END $$;
        SELECT tree_register(('shared_' || :which)::regclass, order_by => 'code DESC');
        DO $$ BEGIN PERFORM tree_unregister('shared_1'); EXCEPTION WHEN undefined_object THEN NULL; END $$;
        SELECT tree_register('shared_2');
        SELECT tree_register('shared_1');
    }});
is(sql(q{SELECT string_agg(tree || ' ' || tracked, ', ' ORDER BY tree) FROM tree_registry WHERE tree LIKE 'shared%'}),
    'shared_1 true, shared_2 true', 'both are registered, once');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('shared_1'::regclass, 'shared_2'::regclass)}), 4, 'with two triggers each');
is(sql("SELECT count(*) FROM tree_build(1, 'shared_1')"), 99, 'and can be read');

# Two that register the same table for the first time: one waits for the other, both end well.
sql('CREATE TABLE fresh (id int PRIMARY KEY, parent_id int); INSERT INTO fresh VALUES (1, NULL), (2, 1)');
my $first  = $node->background_psql('postgres');
my $second = $node->background_psql('postgres', on_error_stop => 0);
$first->query_safe("BEGIN; SET client_min_messages = warning; SELECT tree_register('fresh')");
$second->{stdin} .= "SELECT tree_register('fresh');\n";
$second->{run}->pump_nb;
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%fresh%'"),
    'the second waits');
$first->query_safe('COMMIT');
is($second->query("SELECT id FROM tree_build(1, 'fresh')") =~ s/\s+/ /gr, 'fresh 2', 'both end well');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'fresh'::regclass}), 2, 'there is one registration');
$first->quit;
$second->quit;

$node->stop;
done_testing();
