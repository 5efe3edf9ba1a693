-- Nested sets: every row stores the interval that its subtree takes in pre-order, and its depth.
INSERT INTO bench.method (method, stores, setup) VALUES ('nested sets', '{tree}_nested', $$
  CREATE TABLE {tree}_nested (id int PRIMARY KEY, parent_id int, code text, name text, lft int, rgt int, depth int);
  INSERT INTO {tree}_nested SELECT n.id, n.parent_id, n.code, n.name, s.lft, s.rgt, s.depth
    FROM {tree} n JOIN {tree}_shape s ON s.id = n.id ORDER BY n.id;
  CREATE UNIQUE INDEX ON {tree}_nested (lft, rgt)$$);

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('nested sets', 'descendants', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id, n.depth - r.depth - 1 AS level
    FROM {tree}_nested r JOIN {tree}_nested n ON n.lft > r.lft AND n.lft < r.rgt WHERE r.id = {node} ORDER BY n.lft$$),
  ('nested sets', 'ancestors', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_nested r JOIN {tree}_nested n ON n.lft < r.lft AND n.rgt > r.rgt WHERE r.id = {node} ORDER BY n.lft$$),
  ('nested sets', 'children', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_nested r JOIN {tree}_nested n ON n.lft > r.lft AND n.lft < r.rgt AND n.depth = r.depth + 1
    WHERE r.id = {node} ORDER BY n.lft$$),
  ('nested sets', 'path text', 'none', $$
    SELECT string_agg(n.name, ' > ' ORDER BY n.lft)
    FROM {tree}_nested r JOIN {tree}_nested n ON n.lft <= r.lft AND n.rgt >= r.rgt WHERE r.id = {node}$$),
  ('nested sets', 'depth', 'none', $$SELECT depth FROM {tree}_nested WHERE id = {node}$$);
