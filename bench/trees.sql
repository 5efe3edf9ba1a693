-- The trees: adjacency lists with an integer key, an index on the parent, codes that sort siblings, and names.
-- Codes are eight digits in an order that is not the keys': i * 7368787 modulo a prime above every i, so unique. Were they
-- in the keys' order, rows would come from the table already sorted, and sorting would look cheaper than it is.

CREATE FUNCTION bench.create_adjacency(tree text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE bench.fill('CREATE TABLE {tree} (id int PRIMARY KEY, parent_id int, code text, name text)', tree);
END $$;

CREATE FUNCTION bench.fill_adjacency(tree text, nodes int, parent_of_i text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.create_adjacency(tree);
  EXECUTE format('INSERT INTO %I
          SELECT i, %s, lpad((i::bigint * 7368787 %% 10000019)::text, 8, ''0''), ''node '' || i
          FROM generate_series(1, $1) i ORDER BY i', tree, parent_of_i) USING nodes;
END $$;

-- A random recursive tree: the parent of node i is uniform in 1..i-1. Its depth grows with the logarithm of its size.
CREATE FUNCTION bench.make_random(tree text, nodes int) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(0.5);
  PERFORM bench.fill_adjacency(tree, nodes, 'CASE WHEN i > 1 THEN 1 + floor(random() * (i - 1))::int END');
  RETURN format('%s nodes, each below one drawn at random from those before it', to_char(nodes, 'FM999,999,999'));
END $$;

-- A wide tree of two levels. Nodes 2 and 3 are given ten nodes and a tenth of all, so that there is something
-- to ask about; the rest is dealt out in turn, so that siblings lie far apart in the table.
CREATE FUNCTION bench.make_wide(tree text, nodes int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  fan_out int := sqrt(nodes)::int;
BEGIN
  PERFORM bench.fill_adjacency(tree, nodes, format(
    'CASE WHEN i = 1 THEN NULL WHEN i <= %1$s + 1 THEN 1 WHEN i <= %1$s + 11 THEN 2 WHEN i <= %1$s + 11 + %2$s THEN 3
       ELSE 4 + i %% (%1$s - 2) END', fan_out, nodes / 10));
  RETURN format('%s nodes: a root with %s children, these with about %s each', to_char(nodes, 'FM999,999,999'), fan_out, nodes / fan_out);
END $$;

CREATE FUNCTION bench.make_chain(tree text, nodes int) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.fill_adjacency(tree, nodes, 'nullif(i - 1, 0)');
  RETURN format('%s nodes, each the only child of the one before it', to_char(nodes, 'FM999,999,999'));
END $$;

-- Called when the table is filled, by one of the above or from a file.
CREATE FUNCTION bench.enter_tree(new_tree text, title text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE bench.fill('CREATE INDEX {tree}_parent_id ON {tree} (parent_id)', new_tree);
  INSERT INTO bench.tree (tree, title) VALUES (new_tree, enter_tree.title);
END $$;
