# Statistics outlive the server: a clean restart loses nothing, a crash at most a minute, and a file that is damaged is left alone. Minutes
# of history, and alerts that are raised, held and resolved, by a clock that is put forward.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_tree'
log_error_verbosity = verbose
autovacuum = off
));
$node->start;

my $database = 'Of "Trees"';
$node->safe_psql('postgres', 'CREATE DATABASE "' . ($database =~ s/"/""/gr) . '"');

sub sql { my ($sql) = @_; return $node->safe_psql($database, $sql); }

sql(q{
    CREATE EXTENSION pg_tree;
    CREATE FUNCTION tree_debug_put_clock_forward(microseconds bigint) RETURNS timestamptz AS '$libdir/pg_tree' LANGUAGE C STRICT;
    CREATE TABLE branch (id int PRIMARY KEY, parent_id int, code text, name text);
    INSERT INTO branch SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 1000) i;
    CREATE TABLE "Ast" (id text PRIMARY KEY, parent_id text, name text);
    INSERT INTO "Ast" VALUES ('a', NULL, 'A'), ('b', 'a', 'B');
    SELECT tree_register('branch'), tree_register('"Ast"');
});

# Puts the clock of the statistics forward, and waits until the worker has looked at it, which it shows by saving.
sub forward {
    my ($seconds) = @_;
    my $until = sql("SELECT tree_debug_put_clock_forward($seconds * 1000000::bigint)");
    sql('SELECT pg_reload_conf()');
    $node->poll_query_until($database, "SELECT stats_saved >= '$until' FROM tree_stat_info") or die 'the worker sleeps';
    return;
}

# To the beginning of a minute, so that what is done in the next moments is in one slice.
sub to_next_minute {
    forward(sql('SELECT 121 - extract(second FROM tree_debug_put_clock_forward(0))::int'));
    return;
}

sub set { my (%settings) = @_; $node->append_conf('postgresql.conf', "$_ = '$settings{$_}'") for keys %settings; $node->reload; return; }

# Everything there is.
my @views = (
    'TABLE tree_stat_calls ORDER BY datname, tree, function',
    'TABLE tree_stat_histogram ORDER BY datname, tree, function, le',
    'TABLE tree_stat_responses ORDER BY datname, tree, le',
    'TABLE tree_stat_slow',
    'TABLE tree_stat_history',
    'TABLE tree_stat_recursive ORDER BY queryid, relation',
    'TABLE tree_alerts',
    'SELECT datname, tree, relation, hits, misses, bypasses, hit_ratio, builds, build_ms, evictions, invalidations, last_build FROM tree_stat_cache ORDER BY tree',
    'TABLE tree_stat_bypass ORDER BY datname, tree, reason',
    'SELECT dropped_trees, stats_reset, dropped_statistics, dropped_slow, dropped_recursive FROM tree_stat_info',
);
sub everything { return join("\n--\n", map { sql($_) } @views); }

# --- A known workload -----------------------------------------------------------------------------------------------------------

sub work {
    $node->psql($database, 'SET pg_tree.slow_threshold = 0; SELECT count(*) FROM tree_build(3); SELECT tree_json(5)');
    sql(q{
        SELECT count(*) FROM tree_warm();
        SELECT count(*) FROM generate_series(1, 30) AS g, LATERAL tree_build(g - g + 1, 'branch');
        SELECT tree_depth('b', '"Ast"');
        WITH RECURSIVE below AS (SELECT 1 AS id UNION ALL SELECT b.id FROM branch AS b JOIN below ON b.parent_id = below.id) SELECT count(*) FROM below;
        UPDATE branch SET name = name || 1 WHERE id = 7;
        SELECT count(*) FROM tree_build(1, 'branch');
        SET pg_tree.enable_cache = off;
        SELECT count(*) FROM tree_build(1, 'branch');
    });
    # Errors: no such tree, and a cancel.
    $node->psql($database, q{SELECT * FROM tree_build(1, 'nowhere')});
    return;
}
sql(q{ALTER DATABASE "Of ""Trees""" SET pg_tree.default_tree = 'branch'});
to_next_minute();
sql('SELECT tree_stat_reset()');
work();
forward(60);
work();
is(sql(q{SELECT calls, rows, hits, misses FROM tree_stat_calls WHERE tree = 'public.branch' AND function = 'tree_build'}),
    join('|', 66, sql(q{SELECT 2 * (32 * (SELECT count(*) FROM tree_build(1)) + (SELECT count(*) FROM tree_build(3)))}), 61, 3), 'the calls are counted')
    or diag(sql('TABLE tree_stat_calls'));

# --- Restarts ---------------------------------------------------------------------------------------------------------------------

to_next_minute();    # no minute ends while two states are compared
my $before = everything();
like($before, qr/"Ast"/,              'there is something to lose: a tree,');
is(sql('SELECT count(*) FROM tree_stat_slow'), 4, 'slow calls,');
is(sql('SELECT count(*), sum(calls) FROM tree_stat_recursive'), '1|2', 'recursive queries,');
cmp_ok(sql('SELECT count(*) FROM tree_stat_history'), '>=', 1, 'minutes,');
cmp_ok(sql('SELECT sum(count) FROM tree_stat_bypass'), '>', 0, 'calls past the cache');

$node->restart;
is(everything(), $before, 'a clean restart loses nothing');
$node->stop('smart');
$node->start;
is(everything(), $before, 'nor does another, after which nobody called');
is(sql('SELECT state FROM tree_stat_cache ORDER BY 1'), "empty\nempty", 'there are no images yet');

# What the open minute had is in it when it ends.
sql(q{SELECT tree_depth(1, 'branch') FROM generate_series(1, 17)});
my $calls = sql('SELECT sum(calls) FROM tree_stat_calls');
$node->restart;
is(sql('SELECT sum(calls) FROM tree_stat_calls'), $calls, 'a restart in the middle of a minute');
$node->restart;
forward(120);
is(sql('SELECT sum(calls) FROM tree_stat_history'), $calls, 'minutes have every call, also of those that a restart interrupted');

# --- Crashes ------------------------------------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;

sub kill_a_backend {
    my $log     = -s $node->logfile;
    my $session = $node->background_psql($database, on_error_stop => 0);
    my $pid     = $session->query_safe('SELECT pg_backend_pid()');
    $session->query_until(qr/started/, "\\echo started\nSELECT count(pg_sleep(0.01)) FROM generate_series(1, 10000), LATERAL tree_children(1, 'branch');\n");
    PostgreSQL::Test::Utils::system_log('pg_ctl', 'kill', 'KILL', $pid) == 0 or die "cannot kill $pid";
    $node->wait_for_log(qr/all server processes terminated; reinitializing/, $log);
    ok($node->poll_query_until($database, undef, ''), 'the server recovers');
    eval { $session->quit };
    return;
}

to_next_minute();
$before = everything();
sql(q{SELECT tree_depth(1, 'branch') FROM generate_series(1, 1000)});
kill_a_backend();
is(everything(), $before, 'a backend is killed: what was saved a moment before is there');
ok($node->poll_query_until($database, 'SELECT worker_pid IS NOT NULL FROM tree_stat_info'), 'the worker is back');
sql(q{SELECT tree_depth(1, 'branch') FROM generate_series(1, 1000)});
to_next_minute();
$before = everything();
$node->stop('immediate');
$node->start;
is(everything(), $before, 'an immediate shutdown: the same');

# --- The file -------------------------------------------------------------------------------------------------------------------------

my $file = $node->data_dir . '/pg_stat/pg_tree.stats';
ok(!-e "$file.new", 'nothing half written is left');

sub restart_with_file {
    my ($change) = @_;
    $node->stop;
    my $log  = -s $node->logfile;
    my $text = slurp_file($file);
    $change->(\$text);
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $text;
    close $out;
    $node->start;
    return slurp_file($node->logfile, $log);
}

my $nothing = '0|0|0|0|0';
my $counts  = q{SELECT (SELECT count(*) FROM tree_stat_calls), (SELECT count(*) FROM tree_stat_slow), (SELECT count(*) FROM tree_stat_history WHERE calls > 0),
    (SELECT count(*) FROM tree_stat_recursive), (SELECT count(*) FROM tree_stat_cache)};
unlike(restart_with_file(sub { }), qr/damaged/, 'a file that nobody touched');
is(everything(), $before, 'is read');
my %damage = (
    'a bit that turned'  => sub { my ($text) = @_; substr($$text, length($$text) / 2, 1) ^= "\x10" },
    'a file cut short'   => sub { my ($text) = @_; $$text = substr($$text, 0, length($$text) - 1) },
    'a file of nothing'  => sub { my ($text) = @_; $$text = '' },
    'a longer file'      => sub { my ($text) = @_; $$text .= "\0" },
    'another head'       => sub { my ($text) = @_; substr($$text, 0, 1) ^= "\x01" },
    'sizes out of bound' => sub { my ($text) = @_; substr($$text, 8, 8) = "\xff" x 8 },
    'something else'     => sub { my ($text) = @_; $$text = "Something else.\n" x 100_000 },
);
for my $kind (sort keys %damage) {
    work();
    like(restart_with_file($damage{$kind}), qr/of another version or damaged/, "$kind: said in the log");
    is(sql($counts), $nothing, "$kind: counting begins anew");
    ok(-e "$file.bad", "$kind: the file is kept aside");
    unlink "$file.bad";
}
work();
$node->stop;
unlink $file or die "$file: $!";
$node->start;
is(sql($counts), $nothing, 'no file: counting begins anew');

# --- Protocols ------------------------------------------------------------------------------------------------------------------------

# Where a statement comes by several messages it is still one response, and one call.
my $script = $node->basedir . '/build.sql';
append_to_file($script, "\\set n random(1, 100)\nSELECT count(*) FROM tree_build(:n::bigint, 'branch');\n");
for my $protocol (qw(simple extended prepared)) {
    sql('SELECT tree_stat_reset()');
    $node->command_ok(['pgbench', '-n', '-M', $protocol, '-t', 20, '-f', $script, $database], "$protocol protocol");
    is(sql(q{SELECT (SELECT sum(calls) FROM tree_stat_calls), (SELECT max(count) FROM tree_stat_responses)}), '20|20', "$protocol protocol: twenty calls, twenty responses");
}

# A statement that fails has kept somebody waiting, too.
sql('SELECT tree_stat_reset()');
$node->psql($database, q{SET statement_timeout = '50ms'; SELECT count(pg_sleep(0.01)) FROM tree_build(1, 'branch')});
$node->psql($database, q{BEGIN; SAVEPOINT a; SELECT 1 / (count(*) - count(*)) FROM tree_build(1, 'branch'); ROLLBACK TO a; SELECT count(*) FROM tree_children(1, 'branch'); COMMIT}, on_error_stop => 0);
is(sql(q{SELECT max(count), max(count) - max(count) FILTER (WHERE le = 0.025) FROM tree_stat_responses}), '3|1', 'statements that end in an error are responses');

# --- Sessions that are terminated ---------------------------------------------------------------------------------------------------------

sql(q{CREATE FUNCTION tree_debug_wait_at(point text) RETURNS int AS '$libdir/pg_tree' LANGUAGE C STRICT});
my $gate = $node->background_psql($database);
$gate->query_safe('SELECT pg_advisory_lock(20191, 1)');    # build_read, see src/pg/debug_break.h
for my $call ("tree_json(1, 'branch')", "count(*) FROM tree_build(1, 'branch')") {
    sql(q{SELECT tree_invalidate('branch'); SELECT tree_stat_reset()});
    my $victim = $node->background_psql($database, on_error_stop => 0);
    my $pid    = $victim->query_safe('SELECT pg_backend_pid()');
    $victim->query_until(qr/started/, "SELECT tree_debug_wait_at('build_read');\n\\echo started\nSELECT $call;\n");
    $node->poll_query_until($database, "SELECT count(*) = 1 FROM pg_locks WHERE pid = $pid AND locktype = 'advisory' AND NOT granted") or die 'the point was not reached';
    is(sql("SELECT pg_terminate_backend($pid, 60000)"), 't', "$call is terminated");
    is(sql('SELECT calls, errors, cancels FROM tree_stat_calls'), '1|0|1', "$call: and counted as cancelled");
    eval { $victim->quit };
}
$gate->quit;

# --- The ring under load ----------------------------------------------------------------------------------------------------------------

sql('SELECT tree_stat_reset()');
$node->append_conf('postgresql.conf', 'pg_tree.slow_threshold = 0');
$node->reload;
my $load = IPC::Run::start(['pgbench', '-n', '-c', 8, '-T', 3, '-h', $node->host, '-p', $node->port, '-f', $script, $database], '>', \my $load_out, '2>', \my $load_err);
my ($looks, $twice, $unsorted, $least) = (0, 0, 0, 256);
$node->poll_query_until($database, 'SELECT count(*) > 200 FROM tree_stat_slow') or die 'no load';
for (1 .. 40) {
    my ($rows, $different) = split /\|/, sql('SELECT count(*), count(DISTINCT (at, pid, root, duration_ms)) FROM tree_stat_slow');
    $looks++;
    $twice++ if $rows != $different;
    $least = $rows if $rows < $least;
}
IPC::Run::finish($load);
is($twice, 0, "no call is shown twice, in $looks looks");
cmp_ok($least, '>', 128, 'and most of the ring can be read at any time');
like(sql('SELECT sum(calls) = sum(slow_calls), sum(calls) FROM tree_stat_calls'), qr/^t\|\d\d\d/, 'every call was slow');
$node->append_conf('postgresql.conf', 'pg_tree.slow_threshold = 100ms');
$node->reload;

# A database that is gone takes its calls with it.
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
$node->safe_psql('doomed', q{
    CREATE EXTENSION pg_tree; CREATE TABLE leaf (id int PRIMARY KEY, parent_id int); INSERT INTO leaf VALUES (1); SELECT tree_register('leaf');
    SET pg_tree.slow_threshold = 0; SELECT tree_depth(1)});
is(sql(q{SELECT (SELECT count(*) FROM tree_stat_slow WHERE datname = 'doomed'), (SELECT count(*) FROM tree_stat_calls WHERE datname = 'doomed')}), '1|1', 'calls of another database');
# A tree of another database that is registered anew is one row still.
$node->safe_psql('doomed', q{
    SELECT tree_unregister('leaf'), tree_register('leaf'); SELECT FROM tree_warm('leaf'); SELECT tree_depth(1);
    SET pg_tree.enable_cache = off; SELECT tree_depth(1); RESET pg_tree.enable_cache;
    DROP TABLE leaf; CREATE TABLE leaf (id int PRIMARY KEY, parent_id int); INSERT INTO leaf VALUES (1), (2); SELECT tree_register('leaf');
    SELECT FROM tree_warm('leaf'); SELECT tree_depth(1); SET pg_tree.enable_cache = off; SELECT tree_depth(1)});
is(sql(q{SELECT tree, function, calls, hits FROM tree_stat_calls WHERE datname = 'doomed'}), 'public.leaf|tree_depth|5|2', 'a tree of another database that is registered anew is one row');
is(sql(q{SELECT tree, state, nodes, hits, hits + misses + bypasses, builds FROM tree_stat_cache WHERE datname = 'doomed'}), 'public.leaf|current|2|2|5|2', 'and so is what there is of it in the cache');
is(sql(q{SELECT count(*), count(DISTINCT (datname, tree, reason)) FROM tree_stat_bypass WHERE datname = 'doomed' AND reason = 'disabled' AND count = 2}), '1|1', 'and why it was read from the table');
isnt($node->psql('doomed', 'DROP DATABASE doomed'), 0, 'a database that is in use is not dropped');
is(sql(q{SELECT calls, hits FROM tree_stat_calls WHERE datname = 'doomed'}), '5|2', 'and keeps its counts,');
is(sql(q{SELECT state FROM tree_stat_cache WHERE datname = 'doomed'}), 'current', 'and its images');
$node->restart;
$node->safe_psql('postgres', 'DROP DATABASE doomed');
is(sql(q{SELECT (SELECT count(*) FROM tree_stat_slow WHERE tree = 'public.leaf'), (SELECT count(*) FROM tree_stat_calls WHERE tree = 'public.leaf')}), '0|0', 'go with it');

$node->stop('immediate');
$node->start;
is(sql(q{SELECT (SELECT count(*) FROM tree_stat_slow WHERE tree = 'public.leaf'), (SELECT count(*) FROM tree_stat_calls WHERE tree = 'public.leaf'), (SELECT count(*) FROM tree_stat_cache WHERE tree = 'public.leaf')}), '0|0|0',
    'also when it is in the file still');

# Names and queries are shown in the encoding of whoever looks.
$node->safe_psql('postgres', "CREATE DATABASE $_ ENCODING '$_' LOCALE 'C' TEMPLATE template0") for qw(utf8 win1252);
$node->safe_psql($_, 'CREATE EXTENSION pg_tree') for qw(utf8 win1252);
$node->safe_psql('utf8', q{
    CREATE TABLE "\303\201st" (id text PRIMARY KEY, parent_id text); INSERT INTO "\303\201st" VALUES ('1'); CREATE TABLE "\342\230\203\303\201" (LIKE "\303\201st" INCLUDING ALL);
    SELECT tree_register('"\303\201st"'), tree_register('"\342\230\203\303\201"');
    SET pg_tree.slow_threshold = 0; SELECT count(*) FROM tree_build('\303\201'::text, '"\303\201st"'); SELECT count(*) FROM tree_build('\342\230\203\303\201'::text, '"\342\230\203\303\201"')} =~ s/\\(\d{3})/chr oct $1/ger);
$node->connect_ok("dbname=win1252 options='-c client_encoding=utf8'", "$_->[0] in another encoding", sql => "SELECT $_->[1] WHERE datname = 'utf8'", expected_stdout => $_->[2]) for
    ['names', q{string_agg(DISTINCT tree, ' ' ORDER BY tree) FROM tree_stat_calls}, qr/^public."\?{5}" public."\303\201st"$/],
    ['trees of the cache', q{string_agg(DISTINCT tree, ' ' ORDER BY tree) FROM tree_stat_cache}, qr/^public."\?{5}" public."\303\201st"$/],
    ['keys', q{string_agg(DISTINCT root, ' ' ORDER BY root) FROM tree_stat_slow}, qr/^\?{5} \303\201$/],
    ['queries', q{count(DISTINCT query) FROM tree_stat_slow}, qr/^2$/];
$node->safe_psql('postgres', "DROP DATABASE $_") for qw(utf8 win1252);

# A copy of the server counts for itself.
sql(q{SELECT tree_depth(1, 'branch')});
$node->restart;
$node->backup('copied');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'copied');
$copy->start;
isnt(sql('SELECT sum(calls) FROM tree_stat_calls'), '', 'the server has counts');
is($copy->safe_psql($database, 'SELECT sum(calls) FROM tree_stat_calls'), '', 'a copy of it begins without');
$copy->safe_psql($database, q{SELECT tree_depth(1, 'branch')});
$copy->restart;
is($copy->safe_psql($database, 'SELECT sum(calls) FROM tree_stat_calls'), '1', 'and keeps its own');
$copy->stop;

# --- More trees than places -------------------------------------------------------------------------------------------------------------

sql(q{DO $$ BEGIN FOR i IN 1 .. 300 LOOP
        EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, parent_id int)', i);
        EXECUTE format('INSERT INTO many_%s VALUES (1)', i);
        PERFORM tree_register(format('many_%s', i)::regclass);
    END LOOP; END $$});
sql('SELECT tree_stat_reset()');
forward(120);
sql(q{SET pg_tree.enable_cache = off; SELECT sum(tree_depth(1, 'many_' || i)) FROM generate_series(1, 300) AS i, generate_series(1, 3)}) for 1 .. 3;
is(sql('SELECT sum(calls) FROM tree_stat_calls'), 2700, 'more trees than places: every call is counted');
cmp_ok(sql('SELECT calls FROM tree_stat_calls WHERE datname IS NULL'), '>=', (300 - 256) * 9, 'those of trees without a place together');
is(sql('SELECT count(*), count(*) FILTER (WHERE calls = 9) >= 250 FROM tree_stat_calls WHERE tree IS NOT NULL'), '256|t', 'and who has a place keeps it while it is asked about');
cmp_ok(sql('SELECT dropped_statistics FROM tree_stat_info'), '>=', 44, 'what found none is counted');
to_next_minute();
$before = everything();
$node->restart;
is(everything(), $before, 'a restart keeps all of that');
forward(120);
sql(q{SELECT tree_depth(1, 'many_' || i) FROM generate_series(257, 300) AS i});
is(sql(q{SELECT count(*) FROM tree_stat_calls WHERE substring(tree FROM 'many_(\d+)$')::int > 256}), 44, 'trees that were idle make room');
sql(q{SELECT sum(tree_depth(1, 'many_' || i)) FROM generate_series(1, 300) AS i});
my $placeless = sql(q{SELECT min(i) FROM generate_series(1, 300) AS i WHERE 'public.many_' || i NOT IN (SELECT tree FROM tree_stat_calls WHERE tree IS NOT NULL)});
like($placeless, qr/^\d+$/, 'with all places in use some tree has none');
my $dropped = sql('SELECT dropped_statistics FROM tree_stat_info');
sql(q{DO $$ BEGIN FOR i IN 1 .. 100 LOOP BEGIN PERFORM tree_depth(1, 'nowhere'); EXCEPTION WHEN OTHERS THEN END; END LOOP; END $$});
cmp_ok(sql('SELECT dropped_statistics FROM tree_stat_info'), '<=', $dropped + 1, 'a session looks for a place once, not at every call');
is(sql('SELECT sum(errors) FROM tree_stat_calls'), 100, 'and all its calls are counted');
sql('SELECT tree_stat_reset()');
sql(qq{SELECT tree_depth(1, 'many_$placeless')});
is(sql('SELECT tree, calls FROM tree_stat_calls'), "public.many_$placeless|1", 'a reset of everything makes room at once');
sql(q{DO $$ BEGIN FOR i IN 1 .. 300 LOOP EXECUTE format('DROP TABLE many_%s', i); END LOOP; END $$});

# --- Minutes ----------------------------------------------------------------------------------------------------------------------------

to_next_minute();
sql('SELECT tree_stat_reset()');
my @minutes;
for my $count (5, 0, 17) {
    sql(qq{SELECT tree_depth(1, 'branch') FROM generate_series(1, $count)}) if $count > 0;
    forward(60);
    unshift @minutes, $count;
}
is(sql('SELECT calls FROM tree_stat_history ORDER BY minute DESC'), join("\n", @minutes), 'a row for each minute, newest first');
is(sql(q{SELECT bool_and(date_trunc('minute', minute) = minute), max(minute) - min(minute) FROM tree_stat_history}), 't|00:02:00', 'at whole minutes');
is(sql('SELECT hits + misses, errors, p95_ms IS NOT NULL FROM tree_stat_history ORDER BY minute DESC'), "17|0|t\n0|0|f\n5|0|t", 'with what was counted in them');
is(sql('SELECT responses FROM tree_stat_history ORDER BY minute DESC'), "1\n0\n1", 'and how many statements');
set('pg_tree.history_retention' => '2min');
ok($node->poll_query_until($database, 'SELECT count(*) = 2 FROM tree_stat_history'), 'a shorter retention');
set('pg_tree.history_retention' => '0');
ok($node->poll_query_until($database, 'SELECT count(*) = 0 FROM tree_stat_history'), 'none at all');
set('pg_tree.history_retention' => '24h');
ok($node->poll_query_until($database, 'SELECT count(*) = 3 FROM tree_stat_history'), 'and all of it again');
forward(86400 - 120);
is(sql('SELECT count(*), sum(calls) FROM tree_stat_history'), '1440|17', 'a day later the oldest ones have made room');
forward(3 * 86400);
is(sql('SELECT count(*), sum(calls) FROM tree_stat_history'), '1440|0', 'four days later all have');

# The clock is put back: no minute comes twice, and nothing is lost.
sub put_back {
    my ($seconds) = @_;
    sql("SELECT tree_debug_put_clock_forward(-$seconds * 1000000::bigint)");
    my $saved = sql('SELECT stats_saved FROM tree_stat_info');
    sql('SELECT pg_reload_conf()');
    $node->poll_query_until($database, "SELECT stats_saved < '$saved' FROM tree_stat_info") or die 'the worker sleeps';
    return;
}
to_next_minute();
sql('SELECT tree_stat_reset()');
for my $step (60, 60, -180, 60, 60, 60, 60) {
    sql(q{SELECT tree_depth(1, 'branch') FROM generate_series(1, 7)});
    $step > 0 ? forward($step) : put_back(-$step);
}
is(sql('SELECT sum(calls), count(*) = count(DISTINCT minute), array_agg(minute) = array_agg(minute ORDER BY minute DESC) FROM tree_stat_history'), '49|t|t', 'a clock that was put back');

# --- Alerts -----------------------------------------------------------------------------------------------------------------------------

# One target at a time.
set('pg_tree.alert_channel' => "$database:tree alerts", 'pg_tree.slo_window' => '60s',
    'pg_tree.slo_p95' => '0', 'pg_tree.slo_response_p95' => '0', 'pg_tree.slo_hit_ratio' => '0');
my $listener = $node->background_psql($database);
$listener->query_safe('LISTEN "tree alerts"');
sub notifications { my $out = $listener->query('SELECT 1'); return grep { /notification/i } split /\n/, $out; }

sub errors { my ($count) = @_; $node->psql($database, "SELECT * FROM tree_build(1, 'nowhere')") for 1 .. $count; return; }
sub calls { my ($count) = @_; sql("SELECT tree_depth(1, 'branch') FROM generate_series(1, $count)"); return; }
sub slo { return sql(q{SELECT samples, status FROM tree_slo WHERE name = 'error_ratio'}); }

to_next_minute();
sql('SELECT tree_stat_reset()');
calls(10);
errors(2);
is(slo(), '12|no_data', 'twelve calls say nothing');
calls(8);
is(slo(), '20|violated', 'twenty do');
is(sql(q{SELECT target, round(current::numeric, 3) FROM tree_slo WHERE name = 'error_ratio'}), '0.01|0.100', 'what the target is, and what it came to');
like(sql(q{SELECT status, hint FROM tree_health() WHERE check_name = 'error_ratio'}), qr/^(warning|critical)\|\S/, 'tree_health says so, and what to do');
my $log = -s $node->logfile;
forward(50);
is(sql('SELECT count(*) FROM tree_alerts'), 0, 'missed once: nothing is raised');
errors(1);
calls(25);
forward(50);
is(sql(q{SELECT name, state, resolved_at IS NULL FROM tree_alerts}), 'error_ratio|raised|t', 'missed twice: the alert is raised');
my $text = slurp_file($node->logfile, $log);
like($text, qr/WARNING:  PTA01: pg_tree: alert error_ratio raised: .* at most 0\.01; it was 0\.\d+/, 'the log has it, with its SQLSTATE,');
like($text, qr/DETAIL:  \{"alert":"error_ratio","state":"raised","target":0\.01,"value":0\.\d+,.*"samples":\d+,"window_s":60,"at":"\d{4}-/, 'its facts as JSON,');
like($text, qr/HINT:  tree_stat_calls shows/, 'and where to look');
my ($json) = $text =~ /DETAIL:  (\{"alert".*\})/;
is(sql("SELECT '$json'::json ->> 'state'"), 'raised', 'it is JSON');
$node->poll_query_until($database, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_tree builder'});
my @heard = notifications();
is(scalar @heard, 1, 'one notification');
like($heard[0], qr/"tree alerts" with payload "\{"alert":"error_ratio","state":"raised"/, 'on the channel, with the same');

for (1 .. 3) {
    errors(5);
    calls(20);
    forward(50);
}
is(sql('SELECT count(*), max(state) FROM tree_alerts'), '1|raised', 'held while the target is missed');
cmp_ok(sql('SELECT worst FROM tree_alerts'), '>', sql('SELECT value FROM tree_alerts'), 'with the worst that was seen');
is(scalar(notifications()), 0, 'and no more said of it');

# Met, but with no margin, is held too: 0.0095 of 0.01.
forward(120);
my $raised = sql('SELECT state FROM tree_alerts');
is($raised, 'raised', 'nothing to go by for two looks: still raised');
$node->restart;
is(sql('SELECT state FROM tree_alerts'), 'raised', 'a restart keeps it');
$listener = $node->background_psql($database);
$listener->query_safe('LISTEN "tree alerts"');
for my $look (1 .. 4) {
    errors(19);
    calls(1981);
    forward(60);
    is(sql('SELECT state FROM tree_alerts'), 'raised', "met without a margin, look $look: held");
}
$log = -s $node->logfile;
calls(100);
forward(120);
for my $look (1 .. 2) {
    calls(100);
    forward(60);
}
calls(100);
forward(60);
is(sql('SELECT state, resolved_at > raised_at FROM tree_alerts'), 'resolved|t', 'met with a margin three times: resolved');
like(slurp_file($node->logfile, $log), qr/LOG:  PTA02: pg_tree: alert error_ratio resolved\n.*DETAIL:  \{"alert":"error_ratio","state":"resolved"/, 'the log has it');
$node->poll_query_until($database, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_tree builder'});
@heard = notifications();
is(scalar @heard, 1, 'one notification again') or diag("@heard");
like($heard[0] // '', qr/"state":"resolved"/, 'which says so');
sql('SELECT tree_stat_reset()');
is(sql('SELECT count(*) FROM tree_alerts'), 0, 'a reset forgets what is over');

# The other targets.
set('pg_tree.slo_hit_ratio' => '0.99', 'pg_tree.slo_error_ratio' => '1');
to_next_minute();
sql('SELECT tree_stat_reset()');
for (1 .. 2) {
    sql(q{SET pg_tree.enable_cache = off; SELECT count(tree_depth(id, 'branch')) FROM branch WHERE id < 40});
    errors(30);
    forward(50);
}
is(sql('SELECT name, state, target, value, samples > 20 FROM tree_alerts'), 'hit_ratio|raised|0.99|0|t', 'the share of hits, too; errors are no matter with a target of 1');
sql('SELECT tree_stat_reset()');
is(sql('SELECT name, state FROM tree_alerts'), 'hit_ratio|raised', 'what is raised stays');

# --- A channel that does not work -----------------------------------------------------------------------------------------------------

for my $bad ('nocolon', ':channel', 'database:', 'database:' . 'x' x 64, 'x' x 64 . ':channel') {
    my ($status, $out, $error) = $node->psql($database, "ALTER SYSTEM SET pg_tree.alert_channel = '$bad'");
    like($error, qr/invalid value for parameter "pg_tree.alert_channel".*is not of the form database:channel/s, "$bad: refused");
}
like(($node->psql($database, "ALTER SYSTEM SET $_ = '11s'"))[2], qr/is outside the valid range .* 10000/, "$_: no longer than the histograms reach") for 'pg_tree.slo_p95', 'pg_tree.slo_response_p95';
sql("ALTER SYSTEM SET $_ = '250us'") for 'pg_tree.slo_p95', 'pg_tree.slo_response_p95';
$node->reload;
ok($node->poll_query_until($database, q{SELECT count(*) = 2 FROM tree_slo WHERE target = 0.25}), 'a target may be below a millisecond');
sql("ALTER SYSTEM SET $_ = '400ms'") for 'pg_tree.slo_p95', 'pg_tree.slo_response_p95';
$node->reload;
ok($node->poll_query_until($database, q{SELECT count(*) = 2 FROM tree_slo WHERE target = 500}), 'one between two bounds is that of the upper one');
sql("ALTER SYSTEM SET $_ = 0") for 'pg_tree.slo_p95', 'pg_tree.slo_response_p95';
$node->reload;
set('pg_tree.alert_channel' => 'nowhere at all:channel', 'pg_tree.slo_hit_ratio' => '0');
$log = -s $node->logfile;
forward(60);
forward(60);
forward(60);
is(sql('SELECT name, state FROM tree_alerts'), 'hit_ratio|resolved', 'a target of 0 is always met');
$node->wait_for_log(qr/FATAL: .*database "nowhere at all" does not exist/, $log);
pass('a database that is not there: said in the log');
work();
cmp_ok(sql('SELECT sum(calls) FROM tree_stat_calls'), '>', 30, 'and everything goes on');

$node->stop;
done_testing();
