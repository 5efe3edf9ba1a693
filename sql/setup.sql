-- The other files share this database. Each works in a schema of its own and drops it.
CREATE EXTENSION pg_tree;
SELECT extname, extrelocatable FROM pg_extension WHERE extname = 'pg_tree';
SELECT * FROM tree_registry;
