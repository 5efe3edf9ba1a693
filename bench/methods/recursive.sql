-- The recursive query that tree_build stands for, in whatever order the rows come. Every answer is compared with this method's.
INSERT INTO bench.method (method) VALUES ('recursive');

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('recursive', 'descendants', 'none', $$
    WITH RECURSIVE t AS (
      SELECT id, code, name, parent_id, 0 AS level FROM {tree} WHERE parent_id = {node}
      UNION ALL
      SELECT c.id, c.code, c.name, c.parent_id, t.level + 1 FROM {tree} c JOIN t ON c.parent_id = t.id)
    SELECT id, code, name, parent_id, level FROM t$$),
  ('recursive', 'ancestors', 'none', $$
    WITH RECURSIVE t AS (
      SELECT p.id, p.code, p.name, p.parent_id FROM {tree} n JOIN {tree} p ON p.id = n.parent_id WHERE n.id = {node}
      UNION ALL
      SELECT p.id, p.code, p.name, p.parent_id FROM {tree} p JOIN t ON p.id = t.parent_id)
    SELECT id, code, name, parent_id FROM t$$),
  ('recursive', 'children', 'none', $$SELECT id, code, name, parent_id FROM {tree} WHERE parent_id = {node}$$),
  ('recursive', 'path text', 'none', $$
    WITH RECURSIVE t AS (
      SELECT parent_id, name, 0 AS up FROM {tree} WHERE id = {node}
      UNION ALL
      SELECT p.parent_id, p.name, t.up + 1 FROM {tree} p JOIN t ON p.id = t.parent_id)
    SELECT string_agg(name, ' > ' ORDER BY up DESC) FROM t$$),
  ('recursive', 'depth', 'none', $$
    WITH RECURSIVE t AS (
      SELECT parent_id FROM {tree} WHERE id = {node}
      UNION ALL
      SELECT p.parent_id FROM {tree} p JOIN t ON p.id = t.parent_id)
    SELECT count(*) - 1 FROM t$$);
