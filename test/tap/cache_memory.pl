# The cache's memory: builds that fail, are cancelled or succeed give back what they took, ten thousand times over; trees that do not
# fit are read from their tables; images that need each other's place are evicted; what a session had goes with it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
pg_tree.cache_size = '4MB'
autovacuum = off
jit = off
log_statement = none
log_min_messages = fatal
log_min_error_statement = panic
));
$node->start;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

sql(q{
    CREATE EXTENSION pg_tree;
    CREATE FUNCTION tree_debug_wait_at(point text) RETURNS int AS '$libdir/pg_tree' LANGUAGE C STRICT;
    CREATE FUNCTION tree_debug_arm(kind text, stage text, countdown bigint) RETURNS void AS '$libdir/pg_tree' LANGUAGE C STRICT;
    CREATE FUNCTION tree_debug_disarm() RETURNS bool AS '$libdir/pg_tree' LANGUAGE C STRICT;

    -- No index on the parent: a question that finds no image reads everything, and hence builds one at once.
    CREATE PROCEDURE make_tree(name text, size int) LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('CREATE UNLOGGED TABLE %I (id int PRIMARY KEY, parent_id int, code text, name text)', name);
        EXECUTE format($i$INSERT INTO %I SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, %s) i$i$, name, size);
        EXECUTE format('ANALYZE %I', name);
        PERFORM tree_register(name::regclass);
    END$$;

    -- How many rows the answer has that the recursive query's has not, and the other way round.
    CREATE FUNCTION differences(tree text) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
    DECLARE
        found bigint;
    BEGIN
        EXECUTE format($q$
            WITH RECURSIVE expected AS (
                SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM %1$I WHERE parent_id = 1
                UNION ALL
                SELECT b.id, b.code, b.name, b.parent_id, t.level + 1 FROM %1$I b JOIN expected t ON b.parent_id = t.id),
            given AS MATERIALIZED (SELECT * FROM tree_build(1, %1$L))
            SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE given) d)
                 + (SELECT count(*) FROM (TABLE given EXCEPT ALL TABLE expected) d)$q$, tree) INTO found;
        RETURN found;
    END$$;

    CREATE FUNCTION cache_bytes() RETURNS bigint LANGUAGE sql AS 'SELECT cache_bytes FROM tree_stat_info';
    CREATE FUNCTION context_bytes() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';

    CALL make_tree('small', 100);
    CALL make_tree('middle', 3000);
    CALL make_tree('large', 60000);   -- of its images not even two have room
});

sub cache_bytes { return sql('SELECT cache_bytes()'); }
sub reasons { my ($tree) = @_; return sql("SELECT string_agg(reason, ' ' ORDER BY reason) FROM tree_stat_bypass WHERE tree = 'public.$tree'"); }

# A new session that has come to the point in a query, and one that keeps it there.
my %number = (build_read => 1, build_publish => 2, serve => 5);
sub stop_at {
    my ($point, $query) = @_;
    my $gate = $node->background_psql('postgres');
    $gate->query_safe("SELECT pg_advisory_lock(20191, $number{$point})");
    my $session = $node->background_psql('postgres', on_error_stop => 0);
    my $pid     = $session->query_safe('SELECT pg_backend_pid()');
    $session->query_until(qr/started/, "BEGIN;\nSELECT tree_debug_wait_at('$point');\n\\echo started\n$query;\n");
    $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE pid = $pid AND locktype = 'advisory' AND NOT granted")
        or die "$point was not reached";
    return ($session, $pid, $gate);
}

is(sql('SELECT nodes FROM tree_warm(\'large\')'), 60000, 'a large tree');
my $large = cache_bytes();
cmp_ok($large, '>', 2.1 * 1024 * 1024, 'takes more than half of the cache');
cmp_ok($large, '<', 3.5 * 1024 * 1024, 'and not all of it');
is(sql(q{SELECT tree_invalidate('large')}), 't', 'it is taken away');
is(cache_bytes(), 0, 'and its memory is back');

# --- Ten thousand builds ------------------------------------------------------------------------------------------------------

sql(q{
    CREATE FUNCTION warm(tree text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE WHEN (SELECT count(*) FROM tree_warm(tree)) = 1 THEN 'built' ELSE 'not built' END;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        RETURN sqlstate;
    END$$;

    CREATE TABLE outcome (how text, ended text, times int);

    -- Builds, takes away what was built, and keeps count of how it ended; complains of memory that is left.
    CREATE PROCEDURE build_often(how text, tree text, rounds int) LANGUAGE plpgsql AS $$
    DECLARE
        kinds text[] := ARRAY['error', 'bad_alloc', 'foreign', 'standard', 'cancel'];
        stages text[] := ARRAY['resolve', 'fetch', 'receive', 'assemble', 'sort', 'allocation'];
        ended text;
        met jsonb := '{}';
        own_before bigint;
    BEGIN
        FOR round IN 1 .. rounds LOOP
            IF how = 'fault' THEN
                PERFORM tree_debug_arm(kinds[1 + round % 5], stages[1 + round / 5 % 6], 1 + round / 30 % 40);
            END IF;
            ended := warm(tree);
            PERFORM tree_debug_disarm();
            met := jsonb_set(met, ARRAY[ended], to_jsonb(coalesce((met ->> ended)::int, 0) + 1));
            IF ended = 'built' THEN
                PERFORM tree_invalidate(tree);
            END IF;
            IF round % 100 = 0 THEN
                COMMIT;
                IF cache_bytes() > 0 THEN
                    RAISE EXCEPTION '% bytes are left', cache_bytes();
                END IF;
                own_before := coalesce(own_before, context_bytes());
                IF context_bytes() > own_before + 256 * 1024 THEN
                    RAISE EXCEPTION 'the session has grown by % bytes', context_bytes() - own_before;
                END IF;
            END IF;
        END LOOP;
        INSERT INTO outcome SELECT how, key, value::int FROM jsonb_each_text(met);
    END$$;
});

sub build_often {
    my ($how, $tree, $rounds, $settings) = @_;
    my ($status, $out, $err) = $node->psql('postgres', "SET client_min_messages = error; $settings; CALL build_often('$how', '$tree', $rounds)");
    is("$status|$err", '0|', "$rounds times: $how");
    is(sql("SELECT sum(times) FROM outcome WHERE how = '$how'"), $rounds, '... each of which came to an end');
    return;
}

sub ends { my ($how) = @_; return sql("SELECT string_agg(ended, ', ' ORDER BY ended) FROM outcome WHERE how = '$how'"); }

build_often('success', 'small', 2500, 'SELECT');
is(ends('success'), 'built', 'success is what it says');
build_often('too little memory', 'middle', 2500, "SET pg_tree.max_build_memory = '64kB'");
is(ends('too little memory'), 'not built', 'without an error');
sql(q{UPDATE middle SET name = 'new' WHERE id = 1000});
is(sql(q{SELECT differences('middle')}), 0, 'then a session that may use more gets its answer');
is(sql(q{SELECT state FROM tree_stat_cache WHERE tree = 'public.middle'}), 'current', 'and builds');
is(sql(q{SELECT tree_invalidate('middle')}), 't', 'which is taken away again');
build_often('fault', 'small', 4500, 'SELECT');
# Injected errors end the build only; foreign exceptions (XX000) and cancels (57014) the call too, and so do faults that were met before it.
is(ends('fault'), '27000, 53200, 57014, XX000, built, not built', 'faults end builds in every way');

# Cancelled from outside, whatever it is doing: a large tree takes longer than most of these.
{
    my $cancels = 500;
    my ($status, $out, $err) = $node->psql('postgres', join("\n", 'SET client_min_messages = error;',
            (map { 'SET statement_timeout = ' . (1 + $_ % 20) . "; SELECT nodes FROM tree_warm('large'); RESET statement_timeout; SELECT tree_invalidate('large');" } 1 .. $cancels)),
        on_error_stop => 0);
    my $cancelled = () = $err =~ /ERROR:  canceling statement due to statement timeout/g;
    my $others    = () = $err =~ /ERROR|WARNING|FATAL/g;
    cmp_ok($cancelled, '>', $cancels / 10, "cancelled in time: $cancelled of $cancels");
    is($others, $cancelled, 'nothing else happened');
    is(cache_bytes(), 0, 'the memory is back');
}
is(sql('SELECT count(*) FROM tree_stat_progress'), 0, 'nobody builds');
is(sql('SELECT nodes FROM tree_warm(\'large\')'), 60000, 'there is as much room in one piece as there was');
cmp_ok(abs(cache_bytes() - $large), '<', 1000, 'and the image takes as much');
is(sql(q{SELECT differences('large')}), 0, 'it answers rightly');
sql(q{SELECT tree_invalidate('large')});
is(cache_bytes(), 0, 'all the memory is back');

# --- What does not fit ----------------------------------------------------------------------------------------------------------

# Of one it shows when it has been built, of the other the table's size is enough.
sql(q{CALL make_tree('huge', 100000); CALL make_tree('enormous', 200000)});
sql(q{SELECT nodes FROM tree_warm('middle')});
for my $tree ('huge', 'enormous') {
    my ($status, $out, $err) = $node->psql('postgres', "SELECT differences('$tree'); SELECT tree_depth(9, '$tree'); SELECT differences('$tree')");
    is("$status|$out|$err", "0|0\n2\n0|", "$tree: every question is answered");
    is(reasons($tree), 'too_large', "$tree: it is counted why not from an image");
    is(sql("SELECT state, builds, bytes FROM tree_stat_cache WHERE tree = 'public.$tree'"), 'empty|0|0', "$tree: there is none");
    ($status, $out, $err) = $node->psql('postgres', "SELECT nodes FROM tree_warm('$tree')");
    is("$status|$out", '0|', "$tree: tree_warm is no error");
    like($err, qr/WARNING:  tree public\.$tree was not cached\nDETAIL:  It needs more memory than pg_tree\.cache_size or pg_tree\.max_build_memory allows\./, "$tree: it says why not");
}
is(sql(q{SELECT state FROM tree_stat_cache WHERE tree = 'public.middle'}), 'current', 'no other image had to go for it');
sql(q{DROP TABLE huge, enormous});

# --- What does not fit together ---------------------------------------------------------------------------------------------------

my @trees = map { "tree_$_" } 1 .. 6;
sql("CALL make_tree('$_', 15000)") for @trees;
my $most = 0;
for my $round (1 .. 3) {
    my @wrong = grep { sql("SELECT differences('$_')") != 0 } @trees;
    is("@wrong", '', "round $round: every answer is right");
    my $bytes = cache_bytes();
    $most = $bytes if $bytes > $most;
}
cmp_ok($most, '<=', 4 * 1024 * 1024, 'never more than there is');
is(sql(q{SELECT count(*) FROM tree_stat_cache WHERE tree LIKE 'public.tree_%' AND builds > 0}), 6, 'each was cached');
cmp_ok(sql('SELECT sum(evictions) FROM tree_stat_cache'), '>', 0, 'images were evicted');
cmp_ok(sql(q{SELECT count(*) FROM tree_stat_cache WHERE tree LIKE 'public.tree_%' AND state = 'current'}), '>=', 2, 'others stayed');
is(sql(q{SELECT sum(evictions + (state = 'current')::int) = sum(builds) FROM tree_stat_cache WHERE tree LIKE 'public.tree_%'}), 't', 'each image stayed or was evicted');
sql('DROP TABLE ' . join ', ', @trees);
is(sql('SELECT sum(bytes) = cache_bytes() FROM tree_stat_cache'), 't', 'what was dropped has no memory');
sql(q{SELECT tree_invalidate('middle')});
is(cache_bytes(), 0, 'all the memory is back');

# --- What is still being read --------------------------------------------------------------------------------------------------

# It stands in the way of its own successor, which then is not built; nobody waits or fails.
sql(q{SELECT nodes FROM tree_warm('large')});
{
    my ($reader, $pid, $gate) = stop_at('serve', q{SELECT count(*), min(name) FROM tree_build(1, 'large') WHERE id = 30000});
    sql(q{UPDATE large SET name = 'new' WHERE id = 30000});
    my ($status, $out, $err) = $node->psql('postgres', q{SELECT differences('large'); SELECT differences('middle'); SELECT differences('middle')});
    is("$status|$out|$err", "0|0\n0\n0|", 'pinned: every question is answered');
    is(sql(q{SELECT state FROM tree_stat_cache WHERE tree = 'public.large'}), 'empty', 'pinned: the image has gone for all others');
    is(reasons('large'), 'too_large', 'pinned: it is counted why there is no other');
    cmp_ok(cache_bytes(), '>', $large, 'pinned: it is there for its reader');
    $gate->query_safe('SELECT pg_advisory_unlock_all()');
    like($reader->query_safe('COMMIT'), qr/^1\|node 30000$/m, 'pinned: the reader has its answer, as of when it asked');
    cmp_ok(cache_bytes(), '<', $large, 'pinned: then its memory is back');
    is(sql(q{SELECT differences('large')}), 0, 'pinned: the next is right');
    is(sql(q{SELECT state FROM tree_stat_cache WHERE tree = 'public.large'}), 'current', 'pinned: and builds, for there is room');
    $_->quit for $reader, $gate;
}

# Sessions that end in the middle: told to, with an answer open, and with a cursor.
my %ending = (
    'a query'                        => q{SELECT count(*) FROM tree_build(1, 'large')},
    'a cursor'                       => q{DECLARE c CURSOR FOR SELECT id FROM tree_build(1, 'large'); FETCH 5 FROM c},
    'a query of a query of a cursor' => q{DECLARE c CURSOR FOR SELECT n, (SELECT count(*) FROM tree_build(n, 'large')) FROM generate_series(1, 9) n; FETCH 1 FROM c});
for my $name (sort keys %ending) {
    sql(q{SELECT nodes FROM tree_warm('large')});
    my ($reader, $pid, $gate) = stop_at('serve', $ending{$name});
    is(sql(q{SELECT tree_invalidate('large')}), 't', "$name: the image is taken away");
    cmp_ok(cache_bytes(), '>', $large - 1000, "$name: the session has it");
    is(sql("SELECT pg_terminate_backend($pid, 60000)"), 't', "$name: the session is terminated");
    cmp_ok(cache_bytes(), '<', $large, "$name: the memory is back");
    eval { $_->quit } for $reader, $gate;
}
sql(q{SELECT nodes FROM tree_warm('large')});
{
    my $session = $node->background_psql('postgres');
    $session->query_safe("BEGIN; $ending{'a cursor'}");
    $session->query_safe("SELECT tree_invalidate('large')");
    cmp_ok(cache_bytes(), '>', $large - 1000, 'an open cursor keeps its image, whatever becomes of it');
    is($session->query_safe('FETCH 2 FROM c') =~ tr/\n/\n/, 1, 'and goes on');
    $session->quit;
}
sql(q{SELECT tree_invalidate('middle')});
is(cache_bytes(), 0, 'all the memory is back');

$node->stop;
done_testing();
