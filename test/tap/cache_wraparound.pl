# Transaction ids begin again after 2^32. What was noted, sealed and built before that is compared with what comes after it.
#
# Fails when ids are compared as they stand in a snapshot, with 32 bits.

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
autovacuum = off
autovacuum_freeze_max_age = 2000000000
synchronous_commit = off
log_statement = none
));
$node->start;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

sql(q{
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

    -- Transactions that do nothing, until the next id is so many behind 2^32.
    CREATE PROCEDURE use_up(behind int) LANGUAGE plpgsql AS $$
    BEGIN
        WHILE pg_current_xact_id()::text::bigint < (1::bigint << 32) + behind LOOP
            COMMIT;
        END LOOP;
    END$$;
});

# Everything is frozen before each step, which is less than 2^31. At the first id of a page of the commit log nothing has to be there yet.
sql('ALTER DATABASE template0 ALLOW_CONNECTIONS true');
for my $next (2_000_000_000, 3_900_000_000, 4_294_967_295) {
    for my $database (qw(postgres template0 template1)) {
        $node->safe_psql($database, 'VACUUM (FREEZE)');
    }
    $node->stop;
    my $first = $next - $next % 32768;
    $node->command_ok(['pg_resetwal', '-x', $first, $node->data_dir], "the next transaction is $first");
    $node->start;
}
sql('CALL use_up(-100)');

sub epoch { return sql('SELECT pg_current_xact_id()::text::bigint >> 32'); }
sub counters { return sql(q{SELECT hits, misses, builds FROM tree_stat_cache WHERE tree = 'public.branch'}); }
my $rows = sql('SELECT rows FROM reading');

sub is_read { my ($session, $expected, $name) = @_; is($session->query_safe('TABLE reading'), "$expected|0|0", $name); return; }

# --- Before -----------------------------------------------------------------------------------------------------------------

my ($reader, $old, $writer, $idle) = map { $node->background_psql('postgres') } 1 .. 4;
is_read($reader, $rows, 'before: an image is built');
is_read($reader, $rows, 'before: it answers');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is_read($old, $rows, 'before: also a snapshot that is kept');
$writer->query_safe("BEGIN; INSERT INTO branch VALUES (4000, 1, 'x', 'x')");
sql(q{BEGIN; INSERT INTO branch VALUES (4001, 1, 'x', 'x'); PREPARE TRANSACTION 'before'});
# This one has an id, and writes to the tree when the ids have begun again.
$idle->query_safe('BEGIN; INSERT INTO other VALUES (1)');
is_read($reader, $rows, 'before: writers that run are not seen');
is(epoch(), 0, 'not yet');
my ($hits, $misses, $builds) = split /\|/, counters();

# --- After ------------------------------------------------------------------------------------------------------------------

sql('CALL use_up(100)');
is(epoch(), 1, 'after: the ids have begun again');
is_read($reader, $rows, 'after: the answer is right');
is_read($old,    $rows, 'after: for the old snapshot too');
is(counters(), join('|', $hits + 2, $misses, $builds), 'after: the image still answers both');

$writer->query_safe('COMMIT');
$rows++;
is_read($reader, $rows,     'after: an old writer commits');
is_read($old,    $rows - 1, 'after: the old snapshot does not see it');
is_read($reader, $rows,     'after: there is an image again');
is(counters(), join('|', $hits + 3, $misses + 1, $builds + 1), 'after: one was built, and answered');

$idle->query_safe("INSERT INTO branch VALUES (4002, 1, 'x', 'x')");
is_read($idle,   $rows + 1, 'after: one with an old id writes');
is_read($reader, $rows,     'after: others do not see it');
$idle->query_safe('COMMIT');
$rows++;
is_read($reader, $rows, 'after: it commits');

sql(q{COMMIT PREPARED 'before'});
$rows++;
is_read($reader, $rows, 'after: COMMIT PREPARED of an old one');
is_read($old, $rows - 3, 'after: the old snapshot does not see that either');
$old->query_safe('COMMIT');
is_read($old, $rows, 'after: the next one does');

# Everything is of the new ids now.
sql(q{UPDATE branch SET name = 'new' WHERE id = 4000; DELETE FROM branch WHERE id = 4001});
$rows--;
is_read($reader, $rows, 'after: new writers');
($hits) = split /\|/, counters();
is_read($_, $rows, 'after: and new images') for $reader, $old, $idle;
is((split /\|/, counters())[0], $hits + 3, 'after: which answer');
$_->quit for $reader, $old, $writer, $idle;

$node->restart;
is(sql('TABLE reading'), "$rows|0|0", 'restarted');

$node->stop;
done_testing();
