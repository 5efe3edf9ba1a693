# What pg_restore does to a tree that is cached, and to its triggers: as a whole it is cached again; after --disable-triggers its triggers
# are not ALWAYS any more, which is told once in a session, and tree_register() mends it.
#
# Fails without: triggers, ddl, same_writers.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
autovacuum = off
));
$node->start;
my $folder = PostgreSQL::Test::Utils::tempdir();

sub run {
    my (@command) = @_;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    my $err;
    ok(IPC::Run::run(\@command, '2>', \$err), "@command[0 .. 2] ...") or diag($err);
    return;
}

sub create {
    my ($database, @options) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $database @options");
    return;
}

# missing, extra, and which rows there are.
my $reading = q{
    CREATE VIEW reading AS
    WITH RECURSIVE expected AS (
        SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM branch WHERE parent_id = 1
        UNION ALL
        SELECT b.id, b.code, b.name, b.parent_id, t.level + 1 FROM branch b JOIN expected t ON b.parent_id = t.id),
    given AS MATERIALIZED (SELECT * FROM tree_build(1))
    SELECT (SELECT count(*) FROM given) AS rows,
           (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE given) d) AS missing,
           (SELECT count(*) FROM (TABLE given EXCEPT ALL TABLE expected) d) AS extra};

sub counters {
    my ($database) = @_;
    return $node->safe_psql($database, q{
        SELECT hits, misses, builds, (SELECT string_agg(reason || ' ' || count, ', ') FROM tree_stat_bypass b WHERE b.tree = c.tree AND b.datname = c.datname)
        FROM tree_stat_cache c WHERE tree = 'public.branch' AND datname = current_database()});
}

# Twice the right answer; then the cache has counted so much.
sub is_read {
    my ($database, $rows, $counters, $name) = @_;
    is($node->safe_psql($database, 'TABLE reading; TABLE reading'), "$rows|0|0\n$rows|0|0", "$name: the answer is right");
    is(counters($database), $counters, "$name: hits, misses, builds, bypasses");
    return;
}

create('source');
$node->safe_psql('source', qq{
    CREATE EXTENSION pg_tree;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int REFERENCES branch, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 3000) i;
    CREATE INDEX ON branch (parent_id);
    ANALYZE branch;
    SELECT tree_register('branch');
    $reading});
my $rows = 1906;
is_read('source', $rows, '1|1|1|', 'source');

# --- As a whole -----------------------------------------------------------------------------------------------------------

run('pg_dump', '-Fc', '-f', "$folder/whole", 'source');
create('whole');
run('pg_restore', '--exit-on-error', '-d', 'whole', "$folder/whole");
is_read('whole', $rows, '1|1|1|', 'restored');
$node->safe_psql('whole', 'UPDATE branch SET parent_id = 2 WHERE id = 3');
my $fewer = $node->safe_psql('whole', 'SELECT rows FROM reading');
is_read('whole', $fewer, '3|2|2|', 'restored, and changed');
is_read('source', $rows, '3|1|1|', 'source: it is another tree');

# Over what is there, while a session knows the tree that was there.
my $session = $node->background_psql('whole');
is($session->query_safe('TABLE reading'), "$fewer|0|0", 'before it is restored again');
run('pg_restore', '--exit-on-error', '--clean', '-d', 'whole', "$folder/whole");
is($session->query_safe('TABLE reading'), "$rows|0|0", 'a session that stayed');
$session->quit;
is_read('whole', $rows, '2|1|1|', 'restored again');

# A database made from it: the same tables, by the same numbers.
create('copy', 'TEMPLATE source');
$node->safe_psql('copy', 'DELETE FROM branch WHERE id = 3000');
is_read('copy', $rows - 1, '1|1|1|', 'a copy of the database');
is_read('source', $rows, '5|1|1|', 'source: it is another tree');
$node->safe_psql('postgres', 'DROP DATABASE copy');
is($node->safe_psql('source', q{SELECT count(*) FROM tree_stat_cache WHERE tree = 'public.branch'}), 2, 'nothing is kept of a database that was dropped');

# --- Schema first, data with triggers disabled ------------------------------------------------------------------------------

run('pg_dump', '--schema-only', '-f', "$folder/schema.sql", 'source');
run('pg_dump', '--data-only', '--disable-triggers', '-Fc', '-f', "$folder/data", 'source');
create('apart');
run('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'apart', '-f', "$folder/schema.sql");
$node->safe_psql('apart', 'SELECT * FROM tree_warm()');
is_read('apart', 0, '2|0|1|', 'without data');

# A session is at it before, meanwhile (with its snapshot), and after.
$session = $node->background_psql('apart');
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($session->query_safe('TABLE reading'), '0|0|0', 'a snapshot without data');
run('pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', 'apart', "$folder/data");
my ($out, $warned) = $session->query('TABLE reading');
is($out, '0|0|0', 'it goes on seeing none');
ok($warned, 'there is a warning');
like($session->{stderr}, qr/WARNING:  tree public\.branch is not cached: not every change of "branch" is noticed\nDETAIL: .*\nHINT:  Run tree_register\('public\.branch'\) again\./,
    '... which says what to do');
$session->{stderr} = '';
is($session->query_safe('TABLE reading'), '0|0|0', 'once in a session');
$session->query_safe('COMMIT');
is($session->query_safe('TABLE reading'), "$rows|0|0", 'a new snapshot sees the data');
is_read('apart', $rows, '3|0|1|trigger_missing 5', 'restored with triggers disabled');
($out, my $err) = ('', '');
$node->psql('apart', 'SELECT tree_depth(9)', stderr => \$err);
like($err, qr/WARNING:  tree public\.branch is not cached/, 'another session is told too');
$node->psql('apart', 'SELECT * FROM tree_warm()', stderr => \$err);
like($err, qr/WARNING:  tree public\.branch was not cached\nDETAIL:  A trigger of the registration is missing or does not fire ALWAYS; run tree_register\(\) again\./,
    'so is who calls tree_warm');

# A session that replicates changes rows without a note, and everybody sees them.
$node->safe_psql('apart', q{SET session_replication_role = replica; UPDATE branch SET parent_id = NULL WHERE id = 3});
is($session->query_safe('TABLE reading'), "$fewer|0|0", 'a change that nobody notes');

$node->safe_psql('apart', q{SELECT tree_register('branch')});
is($node->safe_psql('apart', 'SELECT tracked FROM tree_registry'), 't', 'registered again');
is($session->query_safe('TABLE reading'), "$fewer|0|0", 'registered again: the session that stayed');
my ($hits) = split /\|/, counters('apart');
$node->safe_psql('apart', q{SET session_replication_role = replica; UPDATE branch SET parent_id = 1 WHERE id = 3});
is($session->query_safe('TABLE reading'), "$rows|0|0", 'registered again: changes are noticed');
is($session->query_safe('TABLE reading'), "$rows|0|0", 'registered again: and cached');
cmp_ok((split /\|/, counters('apart'))[0], '>', $hits, 'registered again: which is counted');
$session->quit;

# --- Data into a tree that is cached ------------------------------------------------------------------------------------------

# All in one transaction, which ends with triggers that look as before.
run('pg_restore', '--data-only', '--disable-triggers', '-f', "$folder/data.sql", "$folder/data");
create('again');
run('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'again', '-f', "$folder/schema.sql");
$node->safe_psql('again', 'SELECT * FROM tree_warm()');
is_read('again', 0, '2|0|1|', 'once more without data');
PostgreSQL::Test::Utils::append_to_file("$folder/data.sql", q{
    DO $$
    DECLARE
        trigger name;
    BEGIN
        FOR trigger IN SELECT tgname FROM pg_catalog.pg_trigger WHERE tgname LIKE 'pg_tree%' LOOP
            EXECUTE pg_catalog.format('ALTER TABLE public.branch ENABLE ALWAYS TRIGGER %I', trigger);
        END LOOP;
    END$$;
});
run('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-d', 'again', '-f', "$folder/data.sql");
is_read('again', $rows, '3|1|2|', 'in one transaction that put the triggers right');

$node->stop;
done_testing();
