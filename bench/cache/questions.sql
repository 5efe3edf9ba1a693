-- What is asked, of the tree in :tree. The queries for descendants, ancestors, path text and depth are those of methods/; those that
-- follow come beside them. {other} is a second node.

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('pg_tree', 'rows', 'pre-order',
    $$SELECT (node).id, (node).parent_id, (node).code, (node).name, level FROM tree_rows(NULL::{tree}, {node})$$),
  ('recursive', 'rows', 'none', $$
    WITH RECURSIVE t AS (
      SELECT c.id, c.parent_id, c.code, c.name, 0 AS level FROM {tree} c WHERE parent_id = {node}
      UNION ALL
      SELECT c.id, c.parent_id, c.code, c.name, t.level + 1 FROM {tree} c JOIN t ON c.parent_id = t.id)
    SELECT id, parent_id, code, name, level FROM t$$),
  ('pg_tree', 'forest', 'pre-order',
    $$SELECT (node).id, (node).parent_id, (node).code, (node).name, level FROM tree_forest(NULL::{tree})$$),
  ('recursive', 'forest', 'none', $$
    WITH RECURSIVE t AS (
      SELECT c.id, c.parent_id, c.code, c.name, 0 AS level FROM {tree} c WHERE parent_id IS NULL
      UNION ALL
      SELECT c.id, c.parent_id, c.code, c.name, t.level + 1 FROM {tree} c JOIN t ON c.parent_id = t.id)
    SELECT id, parent_id, code, name, level FROM t$$),
  -- Nobody writes this as a recursive query.
  ('pg_tree', 'json', 'none', $$SELECT tree_json({node}, '{tree}')$$),
  ('pg_tree', 'is ancestor', 'none', $$SELECT tree_is_ancestor({other}, {node}, '{tree}')$$),
  -- It stops as soon as it has climbed to the other.
  ('recursive', 'is ancestor', 'none', $$
    WITH RECURSIVE t AS (
      SELECT parent_id FROM {tree} WHERE id = {node}
      UNION ALL
      SELECT p.parent_id FROM {tree} p JOIN t ON p.id = t.parent_id)
    SELECT EXISTS (SELECT FROM t WHERE parent_id = {other})$$),
  ('pg_tree', 'lca', 'none', $$SELECT tree_lca({node}, {other}, '{tree}')$$),
  ('recursive', 'lca', 'none', $$
    WITH RECURSIVE a AS (
      SELECT id, parent_id, 0 AS up FROM {tree} WHERE id = {node}
      UNION ALL
      SELECT p.id, p.parent_id, a.up + 1 FROM {tree} p JOIN a ON p.id = a.parent_id),
    b AS (
      SELECT id, parent_id FROM {tree} WHERE id = {other}
      UNION ALL
      SELECT p.id, p.parent_id FROM {tree} p JOIN b ON p.id = b.parent_id)
    SELECT a.id FROM a JOIN b USING (id) ORDER BY a.up LIMIT 1$$),
  ('pg_tree', 'descendant count', 'none', $$SELECT tree_descendant_count({node}, '{tree}')$$),
  ('recursive', 'descendant count', 'none', $$
    WITH RECURSIVE t AS (
      SELECT id FROM {tree} WHERE parent_id = {node}
      UNION ALL
      SELECT c.id FROM {tree} c JOIN t ON c.parent_id = t.id)
    SELECT count(*) FROM t$$);

CREATE FUNCTION bench.node_of_size(tree text, wanted bigint) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int := bench.node_with_subtree(tree, wanted);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'no subtree of "%" has about % nodes', tree, wanted USING HINT = 'Take a larger tree.';
  END IF;
  RETURN found;
END $$;

-- The node at a depth that is in the middle of them by its key, and the one `further` behind it.
CREATE FUNCTION bench.node_at_depth(tree text, depth int, further int DEFAULT 0) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS all_of_them
            FROM {tree}_shape WHERE depth = $1) s WHERE n - 1 = (all_of_them / 2 + $2) % all_of_them', tree)
    INTO found USING depth, further;
  RETURN found;
END $$;

-- The ancestor that is half the way up.
CREATE FUNCTION bench.ancestor_half_way(tree text, node int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT a.id FROM {tree}_shape n JOIN {tree}_shape a ON a.lft < n.lft AND a.rgt > n.rgt AND a.depth = n.depth / 2
            WHERE n.id = $1', tree) INTO found USING node;
  RETURN found;
END $$;

CREATE FUNCTION bench.ask_of_cache(tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  height int;
  average int;
  size int;
  node int;
  depth int;
  title text;
BEGIN
  EXECUTE bench.fill('SELECT max(s.depth), round(avg(s.depth)) FROM {tree}_shape s', tree) INTO height, average;
  EXECUTE bench.fill('SELECT count(*) FROM {tree}_shape', tree) INTO size;
  EXECUTE bench.fill('SELECT id FROM {tree}_shape WHERE lft = 1', tree) INTO node;
  INSERT INTO bench.cached (question, part, kind, node) VALUES
    ('tree_build of everything', 'rows', 'descendants', node),
    ('tree_build of a tenth of the nodes', 'rows', 'descendants', bench.node_of_size(tree, size / 10)),
    ('tree_build of about ten nodes', 'rows', 'descendants', bench.node_of_size(tree, 10)),
    ('tree_rows of a tenth of the nodes', 'rows', 'rows', bench.node_of_size(tree, size / 10)),
    ('tree_forest', 'rows', 'forest', node),
    ('tree_json of about a thousand nodes', 'rows', 'json', bench.node_of_size(tree, 1000));
  FOREACH depth IN ARRAY ARRAY[least(30, height), average] LOOP
    node := bench.node_at_depth(tree, depth);
    title := format('at depth %s%s', depth, CASE WHEN depth = average THEN ', the average' END);
    INSERT INTO bench.cached (question, part, kind, node, other) VALUES
      ('tree_depth ' || title, 'one answer', 'depth', node, NULL),
      ('tree_path_text ' || title, 'one answer', 'path text', node, NULL),
      ('tree_ancestors ' || title, 'one answer', 'ancestors', node, NULL),
      ('tree_is_ancestor ' || title || ', of one half the way up', 'one answer', 'is ancestor', node, bench.ancestor_half_way(tree, node)),
      ('tree_lca ' || title || ', of two nodes', 'one answer', 'lca', node, bench.node_at_depth(tree, depth, 1)),
      ('tree_descendant_count ' || title, 'one answer', 'descendant count', node, NULL);
  END LOOP;
  INSERT INTO bench.cached (question, part, kind, node) VALUES
    ('tree_descendant_count of about ten nodes', 'one answer', 'descendant count', bench.node_of_size(tree, 10)),
    ('tree_descendant_count of about a thousand nodes', 'one answer', 'descendant count', bench.node_of_size(tree, 1000));
END $$;

CREATE FUNCTION bench.cached_statement(tree text, question text, contender text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT replace(bench.fill(q.query, tree, a.node), '{other}', coalesce(a.other::text, '{other}'))
  FROM bench.cached a JOIN bench.query q USING (kind) JOIN bench.contender c USING (method)
  WHERE a.question = cached_statement.question AND c.contender = cached_statement.contender
$$;
