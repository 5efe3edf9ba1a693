-- pg_tree: reads the adjacency list as it is.
CREATE EXTENSION pg_tree;

INSERT INTO bench.method (method, setup) VALUES ('pg_tree', $$SELECT tree_register('{tree}')$$);

INSERT INTO bench.query (method, kind, ordering, query) VALUES
  ('pg_tree', 'descendants', 'pre-order', $$SELECT id, code, name, parent_id, level FROM tree_build({node}, '{tree}')$$),
  ('pg_tree', 'ancestors',   'pre-order', $$SELECT id, code, name, parent_id FROM tree_ancestors({node}, '{tree}')$$),
  ('pg_tree', 'children',    'pre-order', $$SELECT id, code, name, parent_id FROM tree_children({node}, '{tree}')$$),
  ('pg_tree', 'path text',   'none',      $$SELECT tree_path_text({node}, '{tree}')$$),
  ('pg_tree', 'depth',       'none',      $$SELECT tree_depth({node}, '{tree}')$$);
