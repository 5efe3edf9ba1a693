-- {tree}_shape: depth and nested-set numbers of every node, computed without any of the methods that are compared, and
-- without a path a node, which would be quadratic on a chain. It gives the expected order of answers, picks the nodes
-- that are asked about, and feeds the methods that store something beside the adjacency list.

CREATE FUNCTION bench.number_nodes(numbered_tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  parent int[];           -- by dense number, in which the children of a node are consecutive, in sibling order
  first_child int[];      -- 0: none
  last_child int[];
  lft int[];
  rgt int[];
  depth int[];
  nodes int;
  node int := 1;
  level int := 0;
  counter int := 0;
BEGIN
  EXECUTE bench.fill('CREATE TEMP TABLE numbered ON COMMIT DROP AS
    SELECT id, parent_id, row_number() OVER (ORDER BY parent_id NULLS FIRST, code, id)::int AS n FROM {tree}', numbered_tree);
  ANALYZE numbered;
  SELECT array_agg(coalesce(p.n, 0) ORDER BY c.n), count(*) INTO parent, nodes
    FROM numbered c LEFT JOIN numbered p ON p.id = c.parent_id;
  SELECT array_agg(coalesce(c.first, 0) ORDER BY p.n), array_agg(coalesce(c.last, 0) ORDER BY p.n)
    INTO first_child, last_child
    FROM numbered p LEFT JOIN (SELECT parent_id, min(n) AS first, max(n) AS last FROM numbered GROUP BY 1) c ON c.parent_id = p.id;
  IF (SELECT count(*) FROM unnest(parent) p WHERE p = 0) <> 1 THEN
    RAISE EXCEPTION 'tree "%" has not exactly one root', numbered_tree;
  END IF;
  lft := array_fill(0, ARRAY[nodes]);
  rgt := lft;
  depth := lft;

  <<down>>
  LOOP
    counter := counter + 1;
    lft[node] := counter;
    depth[node] := level;
    IF first_child[node] > 0 THEN
      node := first_child[node];
      level := level + 1;
      CONTINUE down;
    END IF;
    LOOP
      counter := counter + 1;
      rgt[node] := counter;
      EXIT down WHEN parent[node] = 0;
      IF node < last_child[parent[node]] THEN
        node := node + 1;
        CONTINUE down;
      END IF;
      node := parent[node];
      level := level - 1;
    END LOOP;
  END LOOP down;
  IF counter <> 2 * nodes THEN
    RAISE EXCEPTION 'tree "%" has nodes that its root does not reach', numbered_tree;
  END IF;

  EXECUTE bench.fill('CREATE TABLE {tree}_shape (id int PRIMARY KEY, depth int, lft int, rgt int)', numbered_tree);
  EXECUTE bench.fill('INSERT INTO {tree}_shape SELECT id, s.depth, s.lft, s.rgt
            FROM numbered JOIN unnest($1, $2, $3) WITH ORDINALITY AS s(depth, lft, rgt, n) USING (n) ORDER BY id',
           numbered_tree) USING depth, lft, rgt;
  EXECUTE bench.fill('CREATE UNIQUE INDEX ON {tree}_shape (lft)', numbered_tree);
  EXECUTE bench.fill('ANALYZE {tree}_shape', numbered_tree);
  EXECUTE bench.fill('UPDATE bench.tree t SET nodes = s.nodes, height = s.height, path_nodes = s.path_nodes
            FROM (SELECT count(*) AS nodes, max(depth) AS height, sum(depth + 1) AS path_nodes FROM {tree}_shape) s
            WHERE t.tree = ''{tree}''', numbered_tree);
END $$;

-- The node nearest to the wanted size; none if it is not within a factor of two, for then the question means something else.
CREATE FUNCTION bench.node_with_subtree(tree text, wanted bigint) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT id FROM {tree}_shape WHERE (rgt - lft - 1) / 2 BETWEEN $1 / 2 AND $1 * 2
            ORDER BY abs((rgt - lft - 1) / 2 - $1), id LIMIT 1', tree) INTO found USING wanted;
  RETURN found;
END $$;

CREATE FUNCTION bench.pick_nodes(picked_tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  root int;
  deep int;
  prolific int;
  chosen int;
  asked_about text;
BEGIN
  EXECUTE bench.fill('SELECT id FROM {tree}_shape WHERE lft = 1', picked_tree) INTO root;
  EXECUTE bench.fill('SELECT id FROM {tree}_shape WHERE depth = (SELECT least(30, max(depth)) FROM {tree}_shape)
            ORDER BY id LIMIT 1', picked_tree) INTO deep;
  EXECUTE bench.fill('SELECT parent_id FROM {tree} WHERE parent_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1',
           picked_tree) INTO prolific;
  FOR asked_about IN SELECT question FROM bench.question LOOP
    chosen := CASE
      WHEN asked_about IN ('everything', 'first row') THEN root
      WHEN asked_about = 'tenth' THEN bench.node_with_subtree(picked_tree, (SELECT nodes / 10 FROM bench.tree WHERE tree = picked_tree))
      WHEN asked_about = 'ten nodes' THEN bench.node_with_subtree(picked_tree, 10)
      WHEN asked_about = 'children' THEN prolific
      ELSE deep END;
    IF chosen IS NULL THEN
      RAISE INFO '  % has no node for the question "%"', picked_tree, asked_about;
      CONTINUE;
    END IF;
    EXECUTE bench.fill('INSERT INTO bench.asked (tree, question, node, subtree_rows, subtree_path_nodes)
      SELECT $1, $2, r.id, count(d.id), coalesce(sum(d.depth - r.depth), 0)
      FROM {tree}_shape r LEFT JOIN {tree}_shape d ON d.lft > r.lft AND d.lft < r.rgt
      WHERE r.id = $3 GROUP BY r.id', picked_tree) USING picked_tree, asked_about, chosen;
  END LOOP;
END $$;
