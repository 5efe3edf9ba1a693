-- The methods in the order of the report's columns.
\ir methods/pg_tree.sql
\ir methods/recursive.sql
\ir methods/recursive_by_level.sql
\ir methods/recursive_depth_first.sql
\ir methods/connectby.sql
\ir methods/ltree.sql
\ir methods/nested_sets.sql
\ir methods/closure_table.sql
