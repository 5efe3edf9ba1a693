-- ltree of contrib: every row stores its path, here of codes, so that the order of paths is pre-order. GiST answers what is
-- below and above, the btree gives the order.
CREATE EXTENSION ltree;

INSERT INTO bench.method (method, stores, setup, refusal) VALUES ('ltree', '{tree}_ltree', $$
  CREATE TABLE {tree}_ltree (id int PRIMARY KEY, parent_id int, code text, name text, path ltree);
  WITH RECURSIVE t AS (
    SELECT id, code::ltree AS path FROM {tree} WHERE parent_id IS NULL
    UNION ALL
    SELECT c.id, t.path || c.code FROM {tree} c JOIN t ON c.parent_id = t.id)
  INSERT INTO {tree}_ltree SELECT n.id, n.parent_id, n.code, n.name, t.path FROM {tree} n JOIN t ON t.id = n.id ORDER BY n.id;
  CREATE INDEX ON {tree}_ltree USING gist (path);
  CREATE INDEX ON {tree}_ltree (path)$$,
  -- A label of eight digits takes sixteen bytes, and neither index takes a row above a fraction of a page.
  $$CASE WHEN height > 150 THEN format('a path of %s labels does not fit into an index row', to_char(height + 1, 'FM999,999,999,999,999')) END$$);

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('ltree', 'descendants', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id, nlevel(n.path) - nlevel(r.path) - 1 AS level
    FROM {tree}_ltree r JOIN {tree}_ltree n ON n.path <@ r.path AND n.id <> r.id WHERE r.id = {node} ORDER BY n.path$$),
  ('ltree', 'ancestors', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_ltree r JOIN {tree}_ltree n ON n.path @> r.path AND n.id <> r.id WHERE r.id = {node} ORDER BY n.path$$),
  ('ltree', 'children', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM {tree}_ltree r JOIN {tree}_ltree n ON n.path ~ (r.path::text || '.*{1}')::lquery WHERE r.id = {node} ORDER BY n.path$$),
  ('ltree', 'path text', 'none', $$
    SELECT string_agg(n.name, ' > ' ORDER BY n.path)
    FROM {tree}_ltree r JOIN {tree}_ltree n ON n.path @> r.path WHERE r.id = {node}$$),
  ('ltree', 'depth', 'none', $$SELECT nlevel(path) - 1 FROM {tree}_ltree WHERE id = {node}$$);
