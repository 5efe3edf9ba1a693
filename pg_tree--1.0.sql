-- The SQL interface of pg_tree. Reading functions are SECURITY INVOKER and read in the caller's snapshot.
\echo Use "CREATE EXTENSION pg_tree" to load this file. \quit

-- Registration ---------------------------------------------------------------------------------------------------------

-- The trigger function that carries registrations. tree_register() creates the triggers.
CREATE FUNCTION tree_track() RETURNS trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION tree_track() IS
    'Trigger function whose arguments are the registration of a tree; use tree_register().';

CREATE FUNCTION tree_follow_rename() RETURNS event_trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION tree_follow_rename() IS
    'Event trigger function that carries the renaming of a column into the registrations that name it.';

CREATE EVENT TRIGGER pg_tree_follow_rename ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW', 'ALTER FOREIGN TABLE', 'ALTER TYPE')
    EXECUTE FUNCTION tree_follow_rename();
ALTER EVENT TRIGGER pg_tree_follow_rename ENABLE ALWAYS;

CREATE FUNCTION tree_register(relation regclass, tree text DEFAULT NULL, id name DEFAULT NULL, parent name DEFAULT NULL,
                              code name DEFAULT NULL, name text DEFAULT NULL, order_by text DEFAULT NULL,
                              filter text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tree_register(regclass, text, name, name, name, text, text, text) IS
    'Makes a table a tree. id and parent default to the self-referencing foreign key; returns the tree''s name.';

CREATE FUNCTION tree_unregister(tree text) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tree_unregister(text) IS 'Takes a tree''s registration away; the table stays as it is.';

CREATE FUNCTION tree_unregister_all() RETURNS int
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tree_unregister_all() IS 'Takes every registration in this database away, as before DROP EXTENSION; returns how many there were.';

CREATE FUNCTION tree_wrapper_sql(tree text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tree_wrapper_sql(text) IS 'A CREATE FUNCTION statement for a wrapper around tree_rows with the tree''s exact types.';

CREATE FUNCTION tree_registrations(OUT tree text, OUT relation regclass, OUT id text, OUT parent text, OUT code text,
                                   OUT name text, OUT order_by text, OUT filter text, OUT key_type regtype,
                                   OUT tracked bool) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION tree_registrations() IS 'The rows of the view tree_registry.';

CREATE VIEW tree_registry AS
    SELECT tree, relation, id, parent, code, name, order_by, filter, key_type, tracked FROM tree_registrations();
COMMENT ON VIEW tree_registry IS
    'The registered trees of this database. tracked: every change of the table is noticed (its triggers are all there and ENABLE ALWAYS).';
GRANT SELECT ON tree_registry TO PUBLIC;

-- Reading --------------------------------------------------------------------------------------------------------------
--
-- Three overloads each: bigint serves smallint, integer and bigint keys, uuid serves uuid keys, text serves keys of any type in
-- that type's own text form.

CREATE FUNCTION tree_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION tree_support(internal) IS
    'What the planner asks of the functions that return rows: how many, and at what cost.';

CREATE FUNCTION tree_build(root bigint, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_build(root uuid, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_build(root text, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
COMMENT ON FUNCTION tree_build(bigint, text, int) IS
    'The descendants of root in depth-first pre-order; level 0 are its children, max_level is the deepest one wanted.';
COMMENT ON FUNCTION tree_build(uuid, text, int) IS
    'The descendants of root in depth-first pre-order; level 0 are its children, max_level is the deepest one wanted.';
COMMENT ON FUNCTION tree_build(text, text, int) IS
    'The descendants of root in depth-first pre-order; level 0 are its children, max_level is the deepest one wanted.';

CREATE FUNCTION tree_page(root bigint, after bigint, tree text DEFAULT NULL, page_size int DEFAULT 100)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 100;
CREATE FUNCTION tree_page(root uuid, after uuid, tree text DEFAULT NULL, page_size int DEFAULT 100)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 100;
CREATE FUNCTION tree_page(root text, after text, tree text DEFAULT NULL, page_size int DEFAULT 100)
    RETURNS TABLE (id text, code text, name text, parent_id text, level int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 100;
COMMENT ON FUNCTION tree_page(bigint, bigint, text, int) IS
    'The page_size rows of tree_build(root) that follow the row after; NULL: the first ones.';
COMMENT ON FUNCTION tree_page(uuid, uuid, text, int) IS
    'The page_size rows of tree_build(root) that follow the row after; NULL: the first ones.';
COMMENT ON FUNCTION tree_page(text, text, text, int) IS
    'The page_size rows of tree_build(root) that follow the row after; NULL: the first ones.';

CREATE FUNCTION tree_rows(rowtype anyelement, root bigint, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (node anyelement, level int, rank bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_rows(rowtype anyelement, root uuid, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (node anyelement, level int, rank bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_rows(rowtype anyelement, root text, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (node anyelement, level int, rank bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
COMMENT ON FUNCTION tree_rows(anyelement, bigint, text, int) IS
    'The descendants of root as whole rows: SELECT (node).*, level FROM tree_rows(NULL::my_table, 1).';
COMMENT ON FUNCTION tree_rows(anyelement, uuid, text, int) IS
    'The descendants of root as whole rows: SELECT (node).*, level FROM tree_rows(NULL::my_table, 1).';
COMMENT ON FUNCTION tree_rows(anyelement, text, text, int) IS
    'The descendants of root as whole rows: SELECT (node).*, level FROM tree_rows(NULL::my_table, 1).';

CREATE FUNCTION tree_walk(start bigint, tree text DEFAULT NULL, search text DEFAULT 'depth', include_start bool DEFAULT true, max_distance int DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, depth int, distance int, rank bigint, children int, descendants bigint, is_leaf bool, is_cycle bool, root_id bigint, path bigint[])
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_walk(start uuid, tree text DEFAULT NULL, search text DEFAULT 'depth', include_start bool DEFAULT true, max_distance int DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, depth int, distance int, rank bigint, children int, descendants bigint, is_leaf bool, is_cycle bool, root_id uuid, path uuid[])
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_walk(start text, tree text DEFAULT NULL, search text DEFAULT 'depth', include_start bool DEFAULT true, max_distance int DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, depth int, distance int, rank bigint, children int, descendants bigint, is_leaf bool, is_cycle bool, root_id text, path text[])
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
COMMENT ON FUNCTION tree_walk(bigint, text, text, bool, int) IS
    'start and its descendants, depth first or breadth first, with all there is to say of each. depth counts from the root, distance from start, rank in this order; is_cycle: the node lies on a cycle; path: as tree_path.';
COMMENT ON FUNCTION tree_walk(uuid, text, text, bool, int) IS
    'start and its descendants, depth first or breadth first, with all there is to say of each. depth counts from the root, distance from start, rank in this order; is_cycle: the node lies on a cycle; path: as tree_path.';
COMMENT ON FUNCTION tree_walk(text, text, text, bool, int) IS
    'start and its descendants, depth first or breadth first, with all there is to say of each. depth counts from the root, distance from start, rank in this order; is_cycle: the node lies on a cycle; path: as tree_path.';

CREATE FUNCTION tree_children(node bigint, tree text DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
CREATE FUNCTION tree_children(node uuid, tree text DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
CREATE FUNCTION tree_children(node text, tree text DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
COMMENT ON FUNCTION tree_children(bigint, text) IS
    'The children of node in sibling order; depth counts from the root.';
COMMENT ON FUNCTION tree_children(uuid, text) IS
    'The children of node in sibling order; depth counts from the root.';
COMMENT ON FUNCTION tree_children(text, text) IS
    'The children of node in sibling order; depth counts from the root.';

CREATE FUNCTION tree_siblings(node bigint, tree text DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
CREATE FUNCTION tree_siblings(node uuid, tree text DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
CREATE FUNCTION tree_siblings(node text, tree text DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 20;
COMMENT ON FUNCTION tree_siblings(bigint, text) IS
    'The other rows with the same parent as node, in sibling order; those of a row without a parent are the others without one.';
COMMENT ON FUNCTION tree_siblings(uuid, text) IS
    'The other rows with the same parent as node, in sibling order; those of a row without a parent are the others without one.';
COMMENT ON FUNCTION tree_siblings(text, text) IS
    'The other rows with the same parent as node, in sibling order; those of a row without a parent are the others without one.';

CREATE FUNCTION tree_ancestors(node bigint, tree text DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 10;
CREATE FUNCTION tree_ancestors(node uuid, tree text DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 10;
CREATE FUNCTION tree_ancestors(node text, tree text DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 10;
COMMENT ON FUNCTION tree_ancestors(bigint, text) IS
    'The ancestors of node, the root first, node itself not among them.';
COMMENT ON FUNCTION tree_ancestors(uuid, text) IS
    'The ancestors of node, the root first, node itself not among them.';
COMMENT ON FUNCTION tree_ancestors(text, text) IS
    'The ancestors of node, the root first, node itself not among them.';

CREATE FUNCTION tree_leaves(root bigint, tree text DEFAULT NULL)
    RETURNS TABLE (id bigint, code text, name text, parent_id bigint, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_leaves(root uuid, tree text DEFAULT NULL)
    RETURNS TABLE (id uuid, code text, name text, parent_id uuid, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_leaves(root text, tree text DEFAULT NULL)
    RETURNS TABLE (id text, code text, name text, parent_id text, depth int)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
COMMENT ON FUNCTION tree_leaves(bigint, text) IS
    'The nodes below root that have no children, in pre-order; root itself when it has none.';
COMMENT ON FUNCTION tree_leaves(uuid, text) IS
    'The nodes below root that have no children, in pre-order; root itself when it has none.';
COMMENT ON FUNCTION tree_leaves(text, text) IS
    'The nodes below root that have no children, in pre-order; root itself when it has none.';

CREATE FUNCTION tree_path(node bigint, tree text DEFAULT NULL)
    RETURNS bigint[]
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_path(node uuid, tree text DEFAULT NULL)
    RETURNS uuid[]
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_path(node text, tree text DEFAULT NULL)
    RETURNS text[]
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_path(bigint, text) IS
    'The keys from the root down to node, both included; NULL for an unknown node.';
COMMENT ON FUNCTION tree_path(uuid, text) IS
    'The keys from the root down to node, both included; NULL for an unknown node.';
COMMENT ON FUNCTION tree_path(text, text) IS
    'The keys from the root down to node, both included; NULL for an unknown node.';

CREATE FUNCTION tree_path_text(node bigint, tree text DEFAULT NULL, separator text DEFAULT ' > ')
    RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_path_text(node uuid, tree text DEFAULT NULL, separator text DEFAULT ' > ')
    RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_path_text(node text, tree text DEFAULT NULL, separator text DEFAULT ' > ')
    RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_path_text(bigint, text, text) IS
    'The names from the root down to node, both included; a key stands in for a name that is null.';
COMMENT ON FUNCTION tree_path_text(uuid, text, text) IS
    'The names from the root down to node, both included; a key stands in for a name that is null.';
COMMENT ON FUNCTION tree_path_text(text, text, text) IS
    'The names from the root down to node, both included; a key stands in for a name that is null.';

CREATE FUNCTION tree_depth(node bigint, tree text DEFAULT NULL)
    RETURNS int
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_depth(node uuid, tree text DEFAULT NULL)
    RETURNS int
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_depth(node text, tree text DEFAULT NULL)
    RETURNS int
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_depth(bigint, text) IS
    'How many ancestors node has: 0 for a root; NULL for an unknown node and where a cycle leaves it without a root.';
COMMENT ON FUNCTION tree_depth(uuid, text) IS
    'How many ancestors node has: 0 for a root; NULL for an unknown node and where a cycle leaves it without a root.';
COMMENT ON FUNCTION tree_depth(text, text) IS
    'How many ancestors node has: 0 for a root; NULL for an unknown node and where a cycle leaves it without a root.';

CREATE FUNCTION tree_root(node bigint, tree text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_root(node uuid, tree text DEFAULT NULL)
    RETURNS uuid
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_root(node text, tree text DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_root(bigint, text) IS
    'The root above node, or node itself; NULL for an unknown node and where a cycle leaves it without a root.';
COMMENT ON FUNCTION tree_root(uuid, text) IS
    'The root above node, or node itself; NULL for an unknown node and where a cycle leaves it without a root.';
COMMENT ON FUNCTION tree_root(text, text) IS
    'The root above node, or node itself; NULL for an unknown node and where a cycle leaves it without a root.';

CREATE FUNCTION tree_descendant_count(node bigint, tree text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_descendant_count(node uuid, tree text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_descendant_count(node text, tree text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_descendant_count(bigint, text) IS
    'How many rows tree_build(node) has; NULL for an unknown node.';
COMMENT ON FUNCTION tree_descendant_count(uuid, text) IS
    'How many rows tree_build(node) has; NULL for an unknown node.';
COMMENT ON FUNCTION tree_descendant_count(text, text) IS
    'How many rows tree_build(node) has; NULL for an unknown node.';

CREATE FUNCTION tree_is_ancestor(ancestor bigint, node bigint, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_is_ancestor(ancestor uuid, node uuid, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_is_ancestor(ancestor text, node text, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_is_ancestor(bigint, bigint, text) IS
    'Is ancestor above node? Not of itself; false for an unknown node.';
COMMENT ON FUNCTION tree_is_ancestor(uuid, uuid, text) IS
    'Is ancestor above node? Not of itself; false for an unknown node.';
COMMENT ON FUNCTION tree_is_ancestor(text, text, text) IS
    'Is ancestor above node? Not of itself; false for an unknown node.';

CREATE FUNCTION tree_contains(root bigint, node bigint, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_contains(root uuid, node uuid, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_contains(root text, node text, tree text DEFAULT NULL)
    RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_contains(bigint, bigint, text) IS
    'Is node root itself or below it? False for an unknown node.';
COMMENT ON FUNCTION tree_contains(uuid, uuid, text) IS
    'Is node root itself or below it? False for an unknown node.';
COMMENT ON FUNCTION tree_contains(text, text, text) IS
    'Is node root itself or below it? False for an unknown node.';

CREATE FUNCTION tree_lca(a bigint, b bigint, tree text DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_lca(a uuid, b uuid, tree text DEFAULT NULL)
    RETURNS uuid
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_lca(a text, b text, tree text DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_lca(bigint, bigint, text) IS
    'The lowest node that contains both a and b: a itself when a contains b. NULL when there is none.';
COMMENT ON FUNCTION tree_lca(uuid, uuid, text) IS
    'The lowest node that contains both a and b: a itself when a contains b. NULL when there is none.';
COMMENT ON FUNCTION tree_lca(text, text, text) IS
    'The lowest node that contains both a and b: a itself when a contains b. NULL when there is none.';

CREATE FUNCTION tree_json(root bigint, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS json
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_json(root uuid, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS json
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
CREATE FUNCTION tree_json(root text, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS json
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION tree_json(bigint, text, int) IS
    'root and its descendants as nested objects with id, code, name, children.';
COMMENT ON FUNCTION tree_json(uuid, text, int) IS
    'root and its descendants as nested objects with id, code, name, children.';
COMMENT ON FUNCTION tree_json(text, text, int) IS
    'root and its descendants as nested objects with id, code, name, children.';

CREATE FUNCTION tree_draw(root bigint, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS SETOF text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_draw(root uuid, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS SETOF text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
CREATE FUNCTION tree_draw(root text, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS SETOF text
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 1000 ROWS 1000;
COMMENT ON FUNCTION tree_draw(bigint, text, int) IS
    'root and its descendants as a drawing, one line a node.';
COMMENT ON FUNCTION tree_draw(uuid, text, int) IS
    'root and its descendants as a drawing, one line a node.';
COMMENT ON FUNCTION tree_draw(text, text, int) IS
    'root and its descendants as a drawing, one line a node.';

CREATE FUNCTION tree_forest(rowtype anyelement, tree text DEFAULT NULL, max_level int DEFAULT NULL)
    RETURNS TABLE (node anyelement, level int, rank bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT tree_support COST 10000 ROWS 10000;
COMMENT ON FUNCTION tree_forest(anyelement, text, int) IS
    'Every row that is in the tree, roots at level 0, in pre-order: SELECT (node).*, level FROM tree_forest(NULL::my_table).';

-- Cache ----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION tree_warm(tree text DEFAULT NULL)
    RETURNS TABLE (tree_name text, nodes bigint, bytes bigint, build_ms float8)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION tree_warm(text) IS
    'Builds the tree''s image in the shared cache unless it is there; build_ms is 0 when it was. A WARNING says why not.';

CREATE FUNCTION tree_invalidate(tree text DEFAULT NULL) RETURNS bool
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tree_invalidate(text) IS
    'Gives the memory of the tree''s image back and returns whether there was one; never needed for a right answer. For the table''s owner.';

CREATE FUNCTION tree_cache_statistics(OUT datname text, OUT tree text, OUT relation text, OUT state text, OUT nodes bigint,
                                      OUT bytes bigint, OUT hits bigint, OUT misses bigint, OUT bypasses bigint,
                                      OUT hit_ratio float8, OUT builds bigint, OUT build_ms float8, OUT evictions bigint,
                                      OUT invalidations bigint, OUT last_build timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION tree_cache_statistics() IS 'The rows of the view tree_stat_cache.';
CREATE VIEW tree_stat_cache AS SELECT * FROM tree_cache_statistics();
COMMENT ON VIEW tree_stat_cache IS
    'One row for each tree that this server has been asked about. state: empty, building, current (its image answers a new snapshot) or stale; bytes of the image; build_ms of the last build.';

CREATE FUNCTION tree_bypass_statistics(OUT datname text, OUT tree text, OUT reason text, OUT count bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION tree_bypass_statistics() IS 'The rows of the view tree_stat_bypass.';
CREATE VIEW tree_stat_bypass AS SELECT * FROM tree_bypass_statistics();
COMMENT ON VIEW tree_stat_bypass IS
    'Calls that read the table although a cache may be there, by reason: own_write, snapshot, rls, serializable, standby, trigger_missing, too_large, unsupported, disabled, not_preloaded (of this session only).';

CREATE FUNCTION tree_progress(OUT pid int, OUT datname text, OUT tree text, OUT phase text, OUT nodes_done bigint,
                              OUT nodes_total bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION tree_progress() IS 'The rows of the view tree_stat_progress.';
CREATE VIEW tree_stat_progress AS SELECT * FROM tree_progress();
COMMENT ON VIEW tree_stat_progress IS
    'Images being built now. phase: starting, reading, linking, sorting, writing; nodes_total is the planner''s guess while reading.';

CREATE FUNCTION tree_info(OUT preloaded bool, OUT version text, OUT cache_bytes bigint, OUT cache_limit_bytes bigint,
                          OUT worker_pid int, OUT dropped_trees bigint, OUT stats_reset timestamptz,
                          OUT dropped_statistics bigint, OUT dropped_slow bigint, OUT dropped_recursive bigint,
                          OUT stats_saved timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION tree_info() IS 'The row of the view tree_stat_info.';
CREATE VIEW tree_stat_info AS SELECT * FROM tree_info();
COMMENT ON VIEW tree_stat_info IS
    'preloaded: pg_tree is in shared_preload_libraries, and there is a cache; dropped_trees lost their place in it to others; stats_reset: when counting began. Of the statistics, dropped: trees that lost their place to others, slow calls that were not noted because another was being noted in their place, recursive queries that found no place. stats_saved: when statistics were written to disc last.';

GRANT SELECT ON tree_stat_cache, tree_stat_bypass, tree_stat_progress, tree_stat_info TO PUBLIC;

-- Monitoring -------------------------------------------------------------------------------------------------------------
--
-- Counted in shared memory while pg_tree is in shared_preload_libraries and pg_tree.track is on; saved each minute and when the server
-- stops. Rows of trees that the user may not read are for members of pg_read_all_stats only, and so are other users' query texts and keys.

CREATE FUNCTION tree_call_statistics(OUT datname text, OUT tree text, OUT function text, OUT calls bigint, OUT errors bigint,
                                     OUT slow_calls bigint, OUT rows bigint, OUT hits bigint, OUT misses bigint,
                                     OUT total_ms float8, OUT min_ms float8, OUT max_ms float8, OUT mean_ms float8,
                                     OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8, OUT stats_since timestamptz,
                                     OUT cancels bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION tree_call_statistics() IS 'The rows of the view tree_stat_calls.';
CREATE VIEW tree_stat_calls AS SELECT * FROM tree_call_statistics();
COMMENT ON VIEW tree_stat_calls IS
    'One row for each function called on each tree; a tree that is registered anew keeps its counts. calls: however they ended; errors: those that ended in an error; cancels: those that were cancelled, by a time limit or by hand; slow_calls: those of pg_tree.slow_threshold and longer. Milliseconds spent in the function, without what the query around it did. tree is null for calls that named no tree there is; so is datname for calls on trees that found no place: 256 are counted at a time.';

CREATE FUNCTION tree_call_histogram(OUT datname text, OUT tree text, OUT function text, OUT le float8, OUT count bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION tree_call_histogram() IS 'The rows of the view tree_stat_histogram.';
CREATE VIEW tree_stat_histogram AS SELECT * FROM tree_call_histogram();
COMMENT ON VIEW tree_stat_histogram IS
    'How long calls took: count of those that took le seconds or less, for the bounds 0.0001 to 10 and Infinity. tree_stat_calls has the sum.';

CREATE FUNCTION tree_response_histogram(OUT datname text, OUT tree text, OUT le float8, OUT count bigint, OUT total_ms float8)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION tree_response_histogram() IS 'The rows of the view tree_stat_responses.';
CREATE VIEW tree_stat_responses AS SELECT * FROM tree_response_histogram();
COMMENT ON VIEW tree_stat_responses IS
    'How long statements took that called pg_tree, from their arrival to their end, however that came: count of those that took le seconds or less, under the tree that they called first; total_ms of all of them.';

CREATE FUNCTION tree_slow_calls(OUT at timestamptz, OUT datname text, OUT usename text, OUT pid int, OUT queryid bigint, OUT tree text,
                                OUT function text, OUT root text, OUT rows bigint, OUT duration_ms float8, OUT cache text,
                                OUT query text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION tree_slow_calls() IS 'The rows of the view tree_stat_slow.';
CREATE VIEW tree_stat_slow AS SELECT * FROM tree_slow_calls();
COMMENT ON VIEW tree_stat_slow IS
    'The latest 256 calls that took pg_tree.slow_threshold or longer, newest first. at: when the call ended; root: the key that it was about; cache: hit, miss, bypass, or null where none was asked. query (its first kilobyte), queryid and root of other users'' calls are null without membership in pg_read_all_stats.';

CREATE FUNCTION tree_minutes(OUT minute timestamptz, OUT calls bigint, OUT errors bigint, OUT cancels bigint, OUT slow_calls bigint,
                             OUT rows bigint, OUT hits bigint, OUT misses bigint, OUT bypasses bigint, OUT total_ms float8,
                             OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8, OUT responses bigint,
                             OUT response_p95_ms float8, OUT cache_bytes bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1440;
COMMENT ON FUNCTION tree_minutes() IS 'The rows of the view tree_stat_history.';
CREATE VIEW tree_stat_history AS SELECT * FROM tree_minutes();
COMMENT ON VIEW tree_stat_history IS
    'One row for each whole minute of pg_tree.history_retention, newest first: what all databases did in the minute that began then; cache_bytes at its end. Minutes in which the server did not run have no row.';

CREATE FUNCTION tree_recursive_statistics(OUT queryid bigint, OUT relation text, OUT calls bigint, OUT total_ms float8, OUT p95_ms float8)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION tree_recursive_statistics() IS 'The rows of the view tree_stat_recursive.';
CREATE VIEW tree_stat_recursive AS SELECT * FROM tree_recursive_statistics();
COMMENT ON VIEW tree_stat_recursive IS
    'Statements with WITH RECURSIVE that ran over tables of this database which are trees, or could be: what would gain from pg_tree. queryid as in pg_stat_statements. Milliseconds that the executor took.';

CREATE FUNCTION tree_health(OUT check_name text, OUT status text, OUT value float8, OUT threshold float8, OUT message text, OUT hint text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 15;
COMMENT ON FUNCTION tree_health() IS
    'One row for each check. status: ok, warning, critical, or unknown where there is nothing to go by; hint says what to do.';

CREATE FUNCTION tree_targets(OUT name text, OUT target float8, OUT current float8, OUT samples bigint, OUT status text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 4;
COMMENT ON FUNCTION tree_targets() IS 'The rows of the view tree_slo.';
CREATE VIEW tree_slo AS SELECT * FROM tree_targets();
COMMENT ON VIEW tree_slo IS
    'The targets pg_tree.slo_p95 and slo_response_p95 (milliseconds, at most), slo_hit_ratio (at least) and slo_error_ratio (at most), and what pg_tree.slo_window came to, all databases together. status: ok, violated, no_data for fewer than 20 samples, or off where there is no target. A current of 10000 milliseconds is that or longer.';

CREATE FUNCTION tree_alert_log(OUT name text, OUT state text, OUT raised_at timestamptz, OUT resolved_at timestamptz, OUT target float8,
                               OUT value float8, OUT worst float8, OUT samples bigint, OUT message text) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION tree_alert_log() IS 'The rows of the view tree_alerts.';
CREATE VIEW tree_alerts AS SELECT * FROM tree_alert_log();
COMMENT ON VIEW tree_alerts IS
    'The latest 128 alerts, newest first. name: the target that was missed; state: raised or resolved; value and samples when it was raised, worst since.';

CREATE FUNCTION tree_stat_reset(tree text DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION tree_stat_reset(text) IS
    'Forgets what was counted of a tree; without a name, everything: calls, slow calls, history, recursive queries and alerts. Returns the time of it.';
REVOKE EXECUTE ON FUNCTION tree_stat_reset(text) FROM PUBLIC;

GRANT SELECT ON tree_stat_calls, tree_stat_histogram, tree_stat_responses, tree_stat_slow, tree_stat_history, tree_stat_recursive,
    tree_slo, tree_alerts TO PUBLIC;
