-- The recursive query with an order that is easily written: by level and code; ancestors from the root down.
-- A path and a depth are single values, so those questions are asked to the plain recursive query alone.
INSERT INTO bench.method (method) VALUES ('by level');

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('by level', 'descendants', 'level', $$
    WITH RECURSIVE t AS (
      SELECT id, code, name, parent_id, 0 AS level FROM {tree} WHERE parent_id = {node}
      UNION ALL
      SELECT c.id, c.code, c.name, c.parent_id, t.level + 1 FROM {tree} c JOIN t ON c.parent_id = t.id)
    SELECT id, code, name, parent_id, level FROM t ORDER BY level, code$$),
  ('by level', 'ancestors', 'level', $$
    WITH RECURSIVE t AS (
      SELECT p.id, p.code, p.name, p.parent_id, 1 AS up
      FROM {tree} n JOIN {tree} p ON p.id = n.parent_id WHERE n.id = {node}
      UNION ALL
      SELECT p.id, p.code, p.name, p.parent_id, t.up + 1 FROM {tree} p JOIN t ON p.id = t.parent_id)
    SELECT id, code, name, parent_id FROM t ORDER BY up DESC$$),
  ('by level', 'children', 'level', $$SELECT id, code, name, parent_id FROM {tree} WHERE parent_id = {node} ORDER BY code$$);
