-- connectby of contrib's tablefunc: a query for every node. It returns keys, so code and name are joined to them, and it
-- returns the start, which is left out. Its serial number keeps its order, which is pre-order, through the join.
CREATE EXTENSION tablefunc;

INSERT INTO bench.method (method) VALUES ('connectby');

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('connectby', 'descendants', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id, c.level - 1 AS level
    FROM connectby('{tree}', 'id', 'parent_id', 'code', '{node}', 0) AS c(id int, parent_id int, level int, position int)
    JOIN {tree} n ON n.id = c.id WHERE c.level > 0 ORDER BY c.position$$),
  ('connectby', 'ancestors', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM connectby('{tree}', 'parent_id', 'id', '{node}', 0) AS c(id int, child_id int, level int)
    JOIN {tree} n ON n.id = c.id WHERE c.level > 0 ORDER BY c.level DESC$$),
  ('connectby', 'children', 'pre-order', $$
    SELECT n.id, n.code, n.name, n.parent_id
    FROM connectby('{tree}', 'id', 'parent_id', 'code', '{node}', 1) AS c(id int, parent_id int, level int, position int)
    JOIN {tree} n ON n.id = c.id WHERE c.level > 0 ORDER BY c.position$$),
  ('connectby', 'path text', 'none', $$
    SELECT string_agg(n.name, ' > ' ORDER BY c.level DESC)
    FROM connectby('{tree}', 'parent_id', 'id', '{node}', 0) AS c(id int, child_id int, level int) JOIN {tree} n ON n.id = c.id$$),
  ('connectby', 'depth', 'none', $$
    SELECT max(level) FROM connectby('{tree}', 'parent_id', 'id', '{node}', 0) AS c(id int, child_id int, level int)$$);
