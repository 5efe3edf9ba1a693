-- The interface as it was promised: names, arguments, defaults, result columns, volatility, comments; nothing more.
SET client_min_messages = warning;
CREATE SCHEMA house;
CREATE EXTENSION pg_tree SCHEMA house;

-- K stands for each of the three types of key.
CREATE TABLE promised (name text, arguments text, result text, volatility text);
INSERT INTO promised VALUES
    ('tree_build', 'root K, tree text DEFAULT NULL::text, max_level integer DEFAULT NULL::integer', 'TABLE(id K, code text, name text, parent_id K, level integer)', 's'),
    ('tree_rows', 'rowtype anyelement, root K, tree text DEFAULT NULL::text, max_level integer DEFAULT NULL::integer', 'TABLE(node anyelement, level integer, rank bigint)', 's'),
    ('tree_walk', 'start K, tree text DEFAULT NULL::text, search text DEFAULT ''depth''::text, include_start boolean DEFAULT true, max_distance integer DEFAULT NULL::integer',
     'TABLE(id K, code text, name text, parent_id K, depth integer, distance integer, rank bigint, children integer, descendants bigint, is_leaf boolean, is_cycle boolean, root_id K, path K[])', 's'),
    ('tree_page', 'root K, after K, tree text DEFAULT NULL::text, page_size integer DEFAULT 100', 'TABLE(id K, code text, name text, parent_id K, level integer)', 's'),
    ('tree_children', 'node K, tree text DEFAULT NULL::text', 'TABLE(id K, code text, name text, parent_id K, depth integer)', 's'),
    ('tree_siblings', 'node K, tree text DEFAULT NULL::text', 'TABLE(id K, code text, name text, parent_id K, depth integer)', 's'),
    ('tree_ancestors', 'node K, tree text DEFAULT NULL::text', 'TABLE(id K, code text, name text, parent_id K, depth integer)', 's'),
    ('tree_leaves', 'root K, tree text DEFAULT NULL::text', 'TABLE(id K, code text, name text, parent_id K, depth integer)', 's'),
    ('tree_path', 'node K, tree text DEFAULT NULL::text', 'K[]', 's'),
    ('tree_path_text', 'node K, tree text DEFAULT NULL::text, separator text DEFAULT '' > ''::text', 'text', 's'),
    ('tree_depth', 'node K, tree text DEFAULT NULL::text', 'integer', 's'),
    ('tree_root', 'node K, tree text DEFAULT NULL::text', 'K', 's'),
    ('tree_descendant_count', 'node K, tree text DEFAULT NULL::text', 'bigint', 's'),
    ('tree_is_ancestor', 'ancestor K, node K, tree text DEFAULT NULL::text', 'boolean', 's'),
    ('tree_contains', 'root K, node K, tree text DEFAULT NULL::text', 'boolean', 's'),
    ('tree_lca', 'a K, b K, tree text DEFAULT NULL::text', 'K', 's'),
    ('tree_json', 'root K, tree text DEFAULT NULL::text, max_level integer DEFAULT NULL::integer', 'json', 's'),
    ('tree_draw', 'root K, tree text DEFAULT NULL::text, max_level integer DEFAULT NULL::integer', 'SETOF text', 's'),
    ('tree_forest', 'rowtype anyelement, tree text DEFAULT NULL::text, max_level integer DEFAULT NULL::integer', 'TABLE(node anyelement, level integer, rank bigint)', 's'),
    ('tree_register', 'relation regclass, tree text DEFAULT NULL::text, id name DEFAULT NULL::name, parent name DEFAULT NULL::name, code name DEFAULT NULL::name, name text DEFAULT NULL::text, order_by text DEFAULT NULL::text, filter text DEFAULT NULL::text', 'text', 'v'),
    ('tree_unregister', 'tree text', 'void', 'v'),
    ('tree_unregister_all', '', 'integer', 'v'),
    ('tree_warm', 'tree text DEFAULT NULL::text', 'TABLE(tree_name text, nodes bigint, bytes bigint, build_ms double precision)', 'v'),
    ('tree_invalidate', 'tree text DEFAULT NULL::text', 'boolean', 'v'),
    ('tree_health', 'OUT check_name text, OUT status text, OUT value double precision, OUT threshold double precision, OUT message text, OUT hint text', 'SETOF record', 'v'),
    ('tree_stat_reset', 'tree text DEFAULT NULL::text', 'timestamp with time zone', 'v'),
    ('tree_wrapper_sql', 'tree text DEFAULT NULL::text', 'text', 's');
CREATE TABLE expected AS
    SELECT name, regexp_replace(arguments, '\mK\M', k, 'g') AS arguments, regexp_replace(result, '\mK\M', k, 'g') AS result, volatility
    FROM promised, unnest(ARRAY['bigint', 'uuid', 'text']) AS k WHERE arguments ~ '\mK\M'
    UNION ALL SELECT * FROM promised WHERE arguments !~ '\mK\M';
CREATE VIEW made AS
    SELECT p.oid, p.proname::text AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.provolatile::text AS volatility,
           p.prosecdef, p.proparallel, p.proleakproof, p.proisstrict, p.prorettype
    FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'pg_tree';
-- What the extension has made, of any kind. Views have types and rules of their own.
CREATE VIEW object AS
    SELECT o.type, o.name, o.identity, d.classid, d.objid
    FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'pg_tree' AND d.deptype = 'e',
    LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS o;

SELECT plan((SELECT count(*) FROM expected)::int * 3 + 31 + 9 + 16);
SELECT results_eq(format('SELECT result FROM made WHERE name = %L AND arguments = %L', name, arguments), ARRAY[result], format('%s(%s)', name, arguments)) FROM expected;
SELECT results_eq(format('SELECT volatility FROM made WHERE name = %L AND arguments = %L', name, arguments), ARRAY[volatility], format('%s(%s) is %s', name, arguments, CASE volatility WHEN 's' THEN 'stable' ELSE 'volatile' END)) FROM expected;
SELECT isnt((SELECT nullif(obj_description(oid, 'pg_proc'), '') FROM made AS m WHERE m.name = e.name AND m.arguments = e.arguments), NULL, format('%s(%s) has a comment', name, arguments)) FROM expected AS e;

SELECT is_empty('SELECT name, arguments FROM made WHERE prosecdef', 'no function runs with another''s rights');
SELECT is_empty('SELECT name, arguments FROM made WHERE proleakproof', 'none is said to be leakproof');
SELECT is_empty('SELECT name, arguments FROM made WHERE proparallel = ''s''', 'none is said to be safe in a parallel worker');
SELECT is_empty('SELECT name, arguments FROM made WHERE obj_description(oid, ''pg_proc'') IS NULL', 'every function has a comment, those in the machine room too');
SELECT is_empty('SELECT name FROM made WHERE name LIKE ''tree\_%'' AND prorettype NOT IN (''trigger''::regtype, ''event_trigger''::regtype) AND name NOT IN (''tree_registrations'', ''tree_cache_statistics'', ''tree_bypass_statistics'', ''tree_progress'', ''tree_info'', ''tree_support'', ''tree_call_statistics'', ''tree_call_histogram'', ''tree_response_histogram'', ''tree_slow_calls'', ''tree_minutes'', ''tree_recursive_statistics'', ''tree_targets'', ''tree_alert_log'') AND name NOT IN (SELECT name FROM expected)', 'there are no functions but those promised');
SELECT is_empty('SELECT * FROM (SELECT name, count(*) FROM made WHERE name IN (SELECT name FROM expected) GROUP BY name EXCEPT SELECT name, count(*) FROM expected GROUP BY name) AS d', 'nor more overloads of them');

SELECT columns_are('house', 'tree_registry', ARRAY['tree', 'relation', 'id', 'parent', 'code', 'name', 'order_by', 'filter', 'key_type', 'tracked'], 'the columns of tree_registry');
SELECT columns_are('house', 'tree_stat_cache', ARRAY['datname', 'tree', 'relation', 'state', 'nodes', 'bytes', 'hits', 'misses', 'bypasses', 'hit_ratio', 'builds', 'build_ms', 'evictions', 'invalidations', 'last_build'], 'the columns of tree_stat_cache');
SELECT columns_are('house', 'tree_stat_bypass', ARRAY['datname', 'tree', 'reason', 'count'], 'the columns of tree_stat_bypass');
SELECT columns_are('house', 'tree_stat_progress', ARRAY['pid', 'datname', 'tree', 'phase', 'nodes_done', 'nodes_total'], 'the columns of tree_stat_progress');
SELECT columns_are('house', 'tree_stat_info', ARRAY['preloaded', 'version', 'cache_bytes', 'cache_limit_bytes', 'worker_pid', 'dropped_trees', 'stats_reset', 'dropped_statistics', 'dropped_slow', 'dropped_recursive', 'stats_saved'], 'the columns of tree_stat_info');
SELECT columns_are('house', 'tree_stat_calls', ARRAY['datname', 'tree', 'function', 'calls', 'errors', 'slow_calls', 'rows', 'hits', 'misses', 'total_ms', 'min_ms', 'max_ms', 'mean_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'stats_since', 'cancels'], 'the columns of tree_stat_calls');
SELECT columns_are('house', 'tree_stat_histogram', ARRAY['datname', 'tree', 'function', 'le', 'count'], 'the columns of tree_stat_histogram');
SELECT columns_are('house', 'tree_stat_responses', ARRAY['datname', 'tree', 'le', 'count', 'total_ms'], 'the columns of tree_stat_responses');
SELECT columns_are('house', 'tree_stat_slow', ARRAY['at', 'datname', 'usename', 'pid', 'queryid', 'tree', 'function', 'root', 'rows', 'duration_ms', 'cache', 'query'], 'the columns of tree_stat_slow');
SELECT columns_are('house', 'tree_stat_history', ARRAY['minute', 'calls', 'errors', 'cancels', 'slow_calls', 'rows', 'hits', 'misses', 'bypasses', 'total_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'responses', 'response_p95_ms', 'cache_bytes'], 'the columns of tree_stat_history');
SELECT columns_are('house', 'tree_stat_recursive', ARRAY['queryid', 'relation', 'calls', 'total_ms', 'p95_ms'], 'the columns of tree_stat_recursive');
SELECT columns_are('house', 'tree_slo', ARRAY['name', 'target', 'current', 'samples', 'status'], 'the columns of tree_slo');
SELECT columns_are('house', 'tree_alerts', ARRAY['name', 'state', 'raised_at', 'resolved_at', 'target', 'value', 'worst', 'samples', 'message'], 'the columns of tree_alerts');
SELECT ok(NOT has_function_privilege('public', 'house.tree_stat_reset(text)', 'EXECUTE'), 'not everybody may reset statistics');
SELECT isnt(obj_description(('house.' || v)::regclass, 'pg_class'), NULL, v || ' has a comment') FROM unnest(ARRAY['tree_registry', 'tree_stat_cache', 'tree_stat_bypass', 'tree_stat_progress', 'tree_stat_info', 'tree_stat_calls', 'tree_stat_histogram', 'tree_stat_responses', 'tree_stat_slow', 'tree_stat_history', 'tree_stat_recursive', 'tree_slo', 'tree_alerts']) AS v;
SELECT ok(has_table_privilege('public', 'house.' || v, 'SELECT'), 'everybody may read ' || v) FROM unnest(ARRAY['tree_registry', 'tree_stat_cache', 'tree_stat_bypass', 'tree_stat_progress', 'tree_stat_info', 'tree_stat_calls', 'tree_stat_histogram', 'tree_stat_responses', 'tree_stat_slow', 'tree_stat_history', 'tree_stat_recursive', 'tree_slo', 'tree_alerts']) AS v;

SELECT is_empty($$SELECT * FROM object WHERE type NOT IN ('event trigger') AND coalesce(name, identity) !~ '^(house\.)?_?tree_'$$, 'all objects begin with tree_');
SELECT is_empty($$SELECT * FROM object WHERE type = 'event trigger' AND identity !~ '^pg_tree_'$$, 'event triggers begin with pg_tree_');
SELECT isnt_empty($$SELECT * FROM object WHERE type = 'function'$$, 'and there are some');
SELECT is_empty($$SELECT * FROM object WHERE type NOT IN ('function', 'view', 'event trigger', 'type')$$, 'no tables or the like: nothing for pg_dump to leave behind');

SELECT is((SELECT extrelocatable FROM pg_extension WHERE extname = 'pg_tree'), false, 'the extension stays where it is');
SELECT is((SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_tree'), 'house', 'it lives where it was put');
SELECT throws_ok('ALTER EXTENSION pg_tree SET SCHEMA public', '0A000', NULL, 'and cannot be moved');
SELECT is((SELECT (superuser, trusted)::text FROM pg_available_extension_versions WHERE name = 'pg_tree' AND installed), '(t,f)', 'only a superuser installs it');
SELECT is((SELECT default_version = installed_version FROM pg_available_extensions WHERE name = 'pg_tree'), true, 'the version installed is the default one');
-- The settings.
SELECT results_eq($$SELECT name, context, boot_val FROM pg_settings WHERE name LIKE 'pg\_tree.%' AND name <> 'pg_tree.debug_break' ORDER BY name COLLATE "C"$$,
                  $$VALUES ('pg_tree.alert_channel', 'sighup', ''), ('pg_tree.cache_size', 'postmaster', '131072'), ('pg_tree.default_tree', 'user', ''), ('pg_tree.enable_cache', 'user', 'on'), ('pg_tree.enable_scan', 'user', 'on'), ('pg_tree.history_retention', 'sighup', '1440'), ('pg_tree.max_build_memory', 'superuser', '262144'), ('pg_tree.prewarm', 'sighup', ''),
                         ('pg_tree.slo_error_ratio', 'sighup', '0.01'), ('pg_tree.slo_hit_ratio', 'sighup', '0.7'), ('pg_tree.slo_p95', 'sighup', '100'), ('pg_tree.slo_response_p95', 'sighup', '1000'), ('pg_tree.slo_window', 'sighup', '300'),
                         ('pg_tree.slow_threshold', 'superuser', '100'), ('pg_tree.track', 'superuser', 'on')$$, 'the settings, who sets them, and their defaults');

SELECT * FROM finish();
