-- The recursive query in tree_build's own order. The server carries the array of codes from the start down with every row.
INSERT INTO bench.method (method) VALUES ('depth first');

INSERT INTO bench.query (method, kind, ordering, query, refusal) VALUES
  ('depth first', 'descendants', 'pre-order', $$
    WITH RECURSIVE t AS (
      SELECT id, code, name, parent_id, 0 AS level FROM {tree} WHERE parent_id = {node}
      UNION ALL
      SELECT c.id, c.code, c.name, c.parent_id, t.level + 1 FROM {tree} c JOIN t ON c.parent_id = t.id)
    SEARCH DEPTH FIRST BY code SET path
    SELECT id, code, name, parent_id, level FROM t ORDER BY path$$,
  $$CASE WHEN subtree_path_nodes > 20000000 THEN
    format('its path arrays would hold %s elements', to_char(subtree_path_nodes, 'FM999,999,999,999,999')) END$$);
