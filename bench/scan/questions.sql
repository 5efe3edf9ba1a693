-- What is asked, and the tables that it takes besides the tree and its nested sets.

-- Facts about nodes drawn at random: as many as nodes, and a table of a tenth of them.
CREATE FUNCTION bench.make_facts(tree text, nodes int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(0.25);
  EXECUTE bench.fill('CREATE TABLE {tree}_fact (id int, site_id int)', tree);
  EXECUTE bench.fill('INSERT INTO {tree}_fact SELECT i, 1 + floor(random() * $1)::int FROM generate_series(1, $1) i', tree) USING nodes;
  EXECUTE bench.fill('CREATE TABLE {tree}_few_facts (id int, site_id int)', tree);
  EXECUTE bench.fill('INSERT INTO {tree}_few_facts SELECT * FROM {tree}_fact WHERE id <= $1', tree) USING nodes / 10;
END $$;

-- The rows of tree_build of everything as a table, in its order and with its types.
CREATE FUNCTION bench.make_plain(tree text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE bench.fill('CREATE TABLE {tree}_plain (id bigint, code text, name text, parent_id bigint, level int)', tree);
  EXECUTE bench.fill('INSERT INTO {tree}_plain SELECT id, code, name, parent_id, depth - 1 FROM {tree}_nested WHERE depth > 0 ORDER BY lft', tree);
END $$;

CREATE FUNCTION bench.root_of(tree text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT id FROM {tree}_shape WHERE lft = 1', tree) INTO found;
  RETURN found;
END $$;

-- The node that has this share of the others before it in pre-order.
CREATE FUNCTION bench.node_at(tree text, share float8) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT id FROM {tree}_shape ORDER BY lft LIMIT 1 OFFSET (SELECT floor(count(*) * $1) FROM {tree}_shape)', tree)
    INTO found USING share;
  RETURN found;
END $$;

CREATE FUNCTION bench.left_of(tree text, node int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT lft FROM {tree}_shape WHERE id = {node}', tree, node) INTO found;
  RETURN found;
END $$;

CREATE FUNCTION bench.descendants_of(tree text, node int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  found int;
BEGIN
  EXECUTE bench.fill('SELECT (rgt - lft - 1) / 2 FROM {tree}_shape WHERE id = {node}', tree, node) INTO found;
  RETURN found;
END $$;

CREATE FUNCTION bench.ask_of_scan(new_question text, part text, with_planning bool DEFAULT false) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO bench.scanned (question, part, with_planning) VALUES (new_question, part, with_planning);
$$;

CREATE FUNCTION bench.answered_by(question text, contender text, statement text, compared text DEFAULT NULL, cache text DEFAULT 'on',
  scan text DEFAULT 'on') RETURNS void
LANGUAGE sql AS $$
  INSERT INTO bench.scanner (question, contender, statement, compared, cache, scan) VALUES (question, contender, statement, compared, cache, scan);
$$;

-- pg_tree as it comes, and the plain function scan if that is something else.
CREATE FUNCTION bench.answered_by_pg_tree(question text, statement text, cache text DEFAULT 'on') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.answered_by(question, 'pg_tree', statement, 'reference', cache);
  IF bench.has_scan() THEN
    PERFORM bench.answered_by(question, 'function scan', statement, 'answer, position', cache, 'off');
  END IF;
END $$;

CREATE FUNCTION bench.ask_of_everything(tree text, small text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  root int := bench.root_of(tree);
  build text := bench.fill('tree_build({node}, ''{tree}'')', tree, root);
  nested text := 'SELECT id, code, name, parent_id, depth - 1 AS level FROM {tree}_nested WHERE lft BETWEEN %s AND %s ORDER BY lft';
  nodes int := (SELECT t.nodes FROM bench.tree t WHERE t.tree = ask_of_everything.tree);
  q text;
  after int := bench.node_at(tree, 0.9);
BEGIN
  q := 'everything';
  PERFORM bench.ask_of_scan(q, q);
  PERFORM bench.answered_by_pg_tree(q, 'SELECT * FROM ' || build);
  PERFORM bench.answered_by(q, 'sequential scan', bench.fill('SELECT id, code, name, parent_id FROM {tree}', tree));
  PERFORM bench.answered_by(q, 'nested sets', bench.fill(format(nested, 2, 2 * nodes), tree), 'answer, position');
  PERFORM bench.answered_by(q, 'recursive', bench.fill((SELECT query FROM bench.query WHERE method = 'recursive' AND kind = 'descendants'), tree, root), 'answer');

  q := 'LIMIT 10 of everything';
  PERFORM bench.ask_of_scan(q, 'first rows', true);
  PERFORM bench.answered_by_pg_tree(q, 'SELECT * FROM ' || build || ' LIMIT 10');
  PERFORM bench.answered_by(q, 'pg_tree, small tree', bench.fill('SELECT * FROM tree_build({node}, ''{tree}'') LIMIT 10', small, bench.root_of(small)));
  PERFORM bench.answered_by(q, 'nested sets', bench.fill(format(nested, 2, 2 * nodes), tree) || ' LIMIT 10', 'answer, position');

  q := 'a page of 10 at 90 %';
  PERFORM bench.ask_of_scan(q, 'first rows', true);
  PERFORM bench.answered_by_pg_tree(q, bench.fill(format('SELECT * FROM tree_page({node}, %s, ''{tree}'', 10)', after), tree, root));
  PERFORM bench.answered_by(q, 'pg_tree, small tree',
    bench.fill(format('SELECT * FROM tree_page({node}, %s, ''{tree}'', 10)', bench.node_at(small, 0.9)), small, bench.root_of(small)));
  PERFORM bench.answered_by(q, 'nested sets',
    bench.fill(format(nested, bench.left_of(tree, after) + 1, 2 * nodes), tree) || ' LIMIT 10', 'answer, position');
END $$;

CREATE FUNCTION bench.ask_of_facts(tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  nodes int := (SELECT t.nodes FROM bench.tree t WHERE t.tree = ask_of_facts.tree);
  ancestor int := bench.node_of_size(tree, nodes / 10);
  first int := bench.left_of(tree, ancestor);
  name text;
  q text;
BEGIN
  q := 'ancestors of a tenth of the facts';
  PERFORM bench.ask_of_scan(q, 'lateral');
  PERFORM bench.answered_by_pg_tree(q, bench.fill(
    'SELECT count(*), sum(a.id) FROM {tree}_few_facts b, LATERAL tree_ancestors(b.site_id, ''{tree}'') a', tree));
  PERFORM bench.answered_by(q, 'recursive', bench.fill('SELECT count(*), sum(a.id) FROM {tree}_few_facts b, LATERAL (' ||
    (SELECT replace(query, '{node}', 'b.site_id') FROM bench.query WHERE method = 'recursive' AND kind = 'ancestors') || ') a', tree), 'answer');

  -- One question, so that all of them take turns: what a function costs is what its statement takes above the one that calls none.
  q := 'every fact';
  PERFORM bench.ask_of_scan(q, 'functions');
  PERFORM bench.answered_by(q, 'count(*)', bench.fill('SELECT count(*) FROM {tree}_fact', tree));
  PERFORM bench.answered_by(q, 'WHERE tree_is_ancestor(…, site_id)',
    bench.fill('SELECT count(*) FROM {tree}_fact WHERE tree_is_ancestor({node}, site_id, ''{tree}'')', tree, ancestor), 'reference');
  PERFORM bench.answered_by(q, 'WHERE site_id IN (SELECT id FROM tree_build(…))',
    bench.fill('SELECT count(*) FROM {tree}_fact WHERE site_id IN (SELECT id FROM tree_build({node}, ''{tree}''))', tree, ancestor), 'answer');
  PERFORM bench.answered_by(q, 'JOIN nested sets', bench.fill(format(
    'SELECT count(*) FROM {tree}_fact f JOIN {tree}_nested n ON n.id = f.site_id WHERE n.lft BETWEEN %s AND %s',
    first + 1, first + 2 * bench.descendants_of(tree, ancestor)), tree), 'answer');
  FOREACH name IN ARRAY ARRAY['tree_depth', 'tree_root', 'tree_descendant_count'] LOOP
    PERFORM bench.answered_by(q, format('count(%s(site_id))', name),
      bench.fill(format('SELECT count(%s(site_id, ''{tree}'')) FROM {tree}_fact', name), tree));
  END LOOP;
END $$;

-- No goals, but worth knowing.
CREATE FUNCTION bench.ask_of_the_rest(tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  root int := bench.root_of(tree);
  ids text := (SELECT string_agg(bench.node_at(tree, i / 11.0)::text, ', ' ORDER BY i) FROM generate_series(1, 10) i);
  asked text[];
BEGIN
  FOREACH asked SLICE 1 IN ARRAY ARRAY[
    ['about ten nodes, with planning', format('SELECT * FROM tree_build(%s, ''{tree}'')', bench.node_of_size(tree, 10))],
    ['count(*)', 'SELECT count(*) FROM tree_build({node}, ''{tree}'')'],
    ['WHERE level <= 3', 'SELECT * FROM tree_build({node}, ''{tree}'') WHERE level <= 3'],
    ['max_level => 3', 'SELECT * FROM tree_build({node}, ''{tree}'', 3)'],
    ['WHERE id = ANY (ten keys)', format('SELECT * FROM tree_build({node}, ''{tree}'') WHERE id = ANY (ARRAY[%s])', ids)],
    ['tree_walk, only id', 'SELECT id FROM tree_walk({node}, ''{tree}'')'],
    ['tree_walk, id and path', 'SELECT id, path FROM tree_walk({node}, ''{tree}'')'],
    ['tree_walk, every column', 'SELECT * FROM tree_walk({node}, ''{tree}'')'],
    ['tree_walk ORDER BY rank LIMIT 10', 'SELECT id, rank FROM tree_walk({node}, ''{tree}'') ORDER BY rank LIMIT 10'],
    ['tree_rows', 'SELECT * FROM tree_rows(NULL::{tree}, {node}, ''{tree}'')'],
    ['tree_forest', 'SELECT * FROM tree_forest(NULL::{tree}, ''{tree}'')']]
  LOOP
    PERFORM bench.ask_of_scan(asked[1], 'more', asked[1] LIKE '%with planning');
    PERFORM bench.answered_by_pg_tree(asked[1], bench.fill(asked[2], tree, root));
  END LOOP;
  FOREACH asked SLICE 1 IN ARRAY ARRAY[['cold, LIMIT 1', ' LIMIT 1'], ['cold, everything', '']] LOOP
    PERFORM bench.ask_of_scan(asked[1], 'cold');
    PERFORM bench.answered_by_pg_tree(asked[1], bench.fill('SELECT * FROM tree_build({node}, ''{tree}'')', tree, root) || asked[2], 'off');
  END LOOP;
END $$;

-- --- What pgbench asks ---

CREATE FUNCTION bench.draw_nodes(tree text, new_question text, condition text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE bench.fill('INSERT INTO bench.drawn SELECT $1, id FROM {tree}_shape WHERE ' || condition || ' ORDER BY hashint4(id), id LIMIT 256', tree)
    USING new_question;
  IF NOT EXISTS (SELECT FROM bench.drawn WHERE question = new_question) THEN
    RAISE EXCEPTION 'tree "%" has no nodes for "%"', tree, new_question;
  END IF;
END $$;

-- A pgbench script that draws one of the nodes and asks about it. The list is a search tree of CASE, which pgbench goes through in less than
-- a microsecond: looking the node up in a table would cost each transaction as much as some of the answers do.
CREATE FUNCTION bench.drawing_script(asked_question text, tree text, asked_method text, asked_kind text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  choice text[] := ARRAY(SELECT node::text FROM bench.drawn WHERE question = asked_question ORDER BY node);
  first int[] := ARRAY(SELECT generate_series(1, cardinality(choice)));
  drawn int := cardinality(choice);
  joined text[];
  joined_first int[];
  statement text := (SELECT query FROM bench.query WHERE method = asked_method AND kind = asked_kind);
BEGIN
  WHILE cardinality(choice) > 1 LOOP
    joined := '{}';
    joined_first := '{}';
    FOR i IN 1..cardinality(choice) BY 2 LOOP
      joined := joined || CASE WHEN i = cardinality(choice) THEN choice[i]
        ELSE format('CASE WHEN :n < %s THEN %s ELSE %s END', first[i + 1], choice[i], choice[i + 1]) END;
      joined_first := joined_first || first[i];
    END LOOP;
    choice := joined;
    first := joined_first;
  END LOOP;
  -- The functions are there for keys of several types.
  statement := replace(bench.fill(statement, tree), '{node}', CASE WHEN asked_method = 'pg_tree' THEN ':node::bigint' ELSE ':node' END);
  RETURN format(E'\\set n random(1, %s)\n\\set node %s\n%s;', drawn, choice[1], statement);
END $$;
