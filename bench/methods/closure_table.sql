-- A closure table: a row for every pair of a node and one of its ancestors or itself. It has no sibling order to offer.
-- depth stands in the middle of the key because that serves children as well as whole subtrees, without a third index.
INSERT INTO bench.method (method, stores, setup, refusal) VALUES ('closure table', '{tree}_closure', $$
  CREATE TABLE {tree}_closure (ancestor int, descendant int, depth int);
  INSERT INTO {tree}_closure SELECT a.id, d.id, d.depth - a.depth
    FROM {tree}_shape a JOIN {tree}_shape d ON d.lft >= a.lft AND d.lft < a.rgt;
  ALTER TABLE {tree}_closure ADD PRIMARY KEY (ancestor, depth, descendant);
  CREATE INDEX ON {tree}_closure (descendant, depth)$$,
  $$CASE WHEN path_nodes > 20000000 THEN format('the closure table would have %s rows', to_char(path_nodes, 'FM999,999,999,999,999')) END$$);

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('closure table', 'descendants', 'none', $$
    SELECT n.id, n.code, n.name, n.parent_id, c.depth - 1 AS level
    FROM {tree}_closure c JOIN {tree} n ON n.id = c.descendant WHERE c.ancestor = {node} AND c.depth > 0$$),
  ('closure table', 'ancestors', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_closure c JOIN {tree} n ON n.id = c.ancestor WHERE c.descendant = {node} AND c.depth > 0 ORDER BY c.depth DESC$$),
  ('closure table', 'children', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_closure c JOIN {tree} n ON n.id = c.descendant WHERE c.ancestor = {node} AND c.depth = 1 ORDER BY n.code$$),
  ('closure table', 'path text', 'none', $$
    SELECT string_agg(n.name, ' > ' ORDER BY c.depth DESC)
    FROM {tree}_closure c JOIN {tree} n ON n.id = c.ancestor WHERE c.descendant = {node}$$),
  ('closure table', 'depth', 'none', $$SELECT max(depth) FROM {tree}_closure WHERE descendant = {node}$$);
