-- Every reading function but tree_build against an oracle in SQL, on forests with orphans, sentinels, rows that are their
-- own parents, cycles, and with a filter.
\ir common.inc
SELECT plan(6 * 22);

-- What there is to know of each node. A node on a cycle is the one at which its own way up closes.
CREATE TABLE oracle (node bigint PRIMARY KEY, parent_id bigint, code text, name text, path bigint[], in_tree bool, rooted bool, on_cycle bool, place bigint);
-- Pairs of a node and one below it.
CREATE VIEW below AS
    SELECT a.node AS above, d.node AS node FROM oracle AS a JOIN oracle AS d ON a.node = ANY (d.path) AND a.node <> d.node WHERE d.in_tree;
CREATE TABLE child (parent bigint, id bigint, code text, name text, place bigint);
CREATE FUNCTION depth_of(key bigint) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN in_tree AND rooted THEN cardinality(path) - 1 END FROM oracle WHERE node = key
$$;

CREATE FUNCTION prepare_oracle(shape text, filtered bool, access text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plant('int', 'number', shape, 90, 'pg_catalog."en_US.utf8"', access);
    IF NOT filtered THEN
        UPDATE forest SET active = true;
    END IF;
    PERFORM tree_register('forest', filter => CASE WHEN filtered THEN 'active' END);
    TRUNCATE oracle, child;
    -- The way up from each row, row by row, ended where a row would come a second time.
    INSERT INTO oracle
    WITH RECURSIVE up AS (
        SELECT id AS node, id, parent_id, ARRAY[id] AS path, coalesce(active, false) AS in_tree FROM forest
        UNION ALL
        SELECT up.node, f.id, f.parent_id, f.id || up.path, up.in_tree AND coalesce(f.active, false)
        FROM up JOIN forest AS f ON f.id = up.parent_id WHERE f.id <> ALL (up.path)
    ), way_up AS (
        SELECT DISTINCT ON (node) node, path, in_tree, parent_id AS closes_at,
               parent_id IS NULL OR parent_id = id OR NOT EXISTS (SELECT FROM forest AS f WHERE f.id = up.parent_id) AS rooted
        FROM up ORDER BY node, cardinality(path) DESC
    )
    SELECT w.node, f.parent_id, f.code, f.name, w.path, w.in_tree, w.rooted, NOT w.rooted AND w.closes_at = w.node,
           row_number() OVER (ORDER BY f.code, f.id)
    FROM way_up AS w JOIN forest AS f ON f.id = w.node;
    INSERT INTO child SELECT o.parent_id, o.node, o.code, o.name, o.place FROM forest AS f JOIN oracle AS o ON o.node = f.id WHERE f.active AND f.parent_id <> f.id;
    ANALYZE oracle, child;
END $$;
-- Keys to ask for: all rows, and some that no row has.
CREATE VIEW question AS SELECT node AS key FROM oracle UNION ALL SELECT unnest(ARRAY[-1000, 71, 72, 73, 1000000]) EXCEPT SELECT NULL;

CREATE TYPE record_of_build AS (id bigint, code text, name text, parent_id bigint, level int);
CREATE FUNCTION pages(key bigint, size int) RETURNS record_of_build[] LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
    page record_of_build[];
    found record_of_build[] := '{}';
BEGIN
    LOOP
        page := array(SELECT (t.id, t.code, t.name, t.parent_id, t.level)::record_of_build FROM tree_page(key, last, page_size => size) AS t);
        EXIT WHEN cardinality(page) = 0;
        found := found || page;
        IF cardinality(page) > size THEN
            RAISE EXCEPTION 'a page of % rows', cardinality(page);
        END IF;
        last := page[cardinality(page)].id;
    END LOOP;
    RETURN found;
END $$;
CREATE FUNCTION flattened(document json) RETURNS TABLE (id bigint, code text, name text, level int, n bigint) LANGUAGE sql AS $$
    WITH RECURSIVE t AS (
        SELECT document AS node, 0 AS level, '{}'::bigint[] AS place WHERE document IS NOT NULL
        UNION ALL
        SELECT c.node, t.level + 1, t.place || c.n FROM t, json_array_elements(t.node -> 'children') WITH ORDINALITY AS c (node, n)
    )
    SELECT (node ->> 'id')::bigint, node ->> 'code', node ->> 'name', level, row_number() OVER (ORDER BY place) FROM t
$$;

-- The rows on which two queries do not agree.
CREATE FUNCTION agree(one text, two text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
    example text;
BEGIN
    EXECUTE format('SELECT count(*), min(d::text) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) AS d', '(' || one || ')', '(' || two || ')') INTO wrong, example;
    RETURN is(wrong, 0::bigint, description) || coalesce(E'\n# for instance ' || example, '');
END $$;

CREATE FUNCTION compare(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT agree('SELECT key, tree_path(key) FROM question',
        'SELECT key, CASE WHEN in_tree THEN path END FROM question LEFT JOIN oracle ON node = key', what || ': tree_path');
    RETURN NEXT agree('SELECT key, tree_depth(key) FROM question', 'SELECT key, depth_of(key) FROM question', what || ': tree_depth');
    RETURN NEXT agree('SELECT key, tree_root(key) FROM question',
        'SELECT key, CASE WHEN in_tree AND rooted THEN path[1] END FROM question LEFT JOIN oracle ON node = key', what || ': tree_root');
    RETURN NEXT agree('SELECT key, tree_path_text(key, NULL, ''/'') FROM question',
        'SELECT key, CASE WHEN q.in_tree THEN (SELECT string_agg(coalesce(o.name, o.node::text), ''/'' ORDER BY n) FROM unnest(q.path) WITH ORDINALITY AS p (node, n) JOIN oracle AS o USING (node)) END
         FROM question LEFT JOIN oracle AS q ON q.node = key', what || ': tree_path_text');
    RETURN NEXT agree('SELECT key, t.id, t.code, t.name, t.parent_id, t.depth, t.ordinality FROM question, tree_ancestors(key) WITH ORDINALITY AS t',
        'SELECT key, o.node, o.code, o.name, o.parent_id, depth_of(o.node), n FROM question JOIN oracle AS q ON q.node = key AND q.in_tree,
         unnest(q.path) WITH ORDINALITY AS p (node, n) JOIN oracle AS o USING (node) WHERE o.node <> key', what || ': tree_ancestors');
    RETURN NEXT agree('SELECT key, t.id, t.code, t.name, t.parent_id, t.depth, t.ordinality FROM question, tree_children(key) WITH ORDINALITY AS t',
        'SELECT key, c.id, c.code, c.name, c.parent, CASE WHEN q.node IS NULL THEN 0 ELSE depth_of(key) + 1 END, row_number() OVER (PARTITION BY key ORDER BY c.place)
         FROM question LEFT JOIN oracle AS q ON q.node = key JOIN child AS c ON c.parent = key', what || ': tree_children');
    RETURN NEXT agree('SELECT key, t.id, t.code, t.name, t.parent_id, t.depth, t.ordinality FROM question, tree_siblings(key) WITH ORDINALITY AS t',
        'SELECT key, f.id, o.code, o.name, o.parent_id, depth_of(key), row_number() OVER (PARTITION BY key ORDER BY o.place)
         FROM question JOIN oracle AS q ON q.node = key AND q.in_tree AND q.parent_id IS DISTINCT FROM q.node
         JOIN forest AS f ON f.parent_id IS NOT DISTINCT FROM q.parent_id AND f.id <> key AND f.parent_id IS DISTINCT FROM f.id AND f.active JOIN oracle AS o ON o.node = f.id', what || ': tree_siblings');
    RETURN NEXT agree('SELECT key, tree_descendant_count(key) FROM question',
        'SELECT key, CASE WHEN q.in_tree THEN (SELECT count(*) FROM below WHERE above = key) END FROM question LEFT JOIN oracle AS q ON q.node = key', what || ': tree_descendant_count');
    RETURN NEXT agree('SELECT a.key, b.key, tree_is_ancestor(a.key, b.key), tree_contains(a.key, b.key) FROM question AS a, question AS b WHERE (a.key + b.key) % 3 = 0',
        'SELECT a.key, b.key, coalesce(q.in_tree AND a.key = ANY (q.path) AND a.key <> b.key, false), coalesce(q.in_tree AND a.key = ANY (q.path), false)
         FROM question AS a, question AS b LEFT JOIN oracle AS q ON q.node = b.key WHERE (a.key + b.key) % 3 = 0', what || ': tree_is_ancestor, tree_contains');
    RETURN NEXT agree('SELECT a.key, b.key, tree_lca(a.key, b.key) FROM question AS a LEFT JOIN oracle AS x ON x.node = a.key, question AS b WHERE (a.key + b.key) % 3 = 1 AND x.rooted IS NOT FALSE',
        'SELECT a.key, b.key, CASE WHEN p.in_tree AND q.in_tree THEN (SELECT x FROM unnest(p.path) WITH ORDINALITY AS u (x, n) WHERE x = ANY (q.path) ORDER BY n DESC LIMIT 1) END
         FROM question AS a LEFT JOIN oracle AS p ON p.node = a.key, question AS b LEFT JOIN oracle AS q ON q.node = b.key WHERE (a.key + b.key) % 3 = 1 AND p.rooted IS NOT FALSE', what || ': tree_lca');
    -- Where a cycle leaves no lowest one, it is still one that contains both; and there is one whenever any row does.
    RETURN NEXT is((SELECT count(*) FROM question AS a JOIN oracle AS p ON p.node = a.key AND NOT p.rooted AND p.in_tree, question AS b LEFT JOIN oracle AS q ON q.node = b.key, tree_lca(a.key, b.key) AS c
        WHERE CASE WHEN q.in_tree AND p.path && q.path THEN (c = ANY (p.path) AND c = ANY (q.path)) IS NOT TRUE OR (a.key = ANY (q.path) AND c <> a.key) ELSE c IS NOT NULL END), 0::bigint, what || ': tree_lca in cycles');
    RETURN NEXT is((SELECT count(*) FROM question AS q WHERE array(SELECT (t.id, t.code, t.name, t.parent_id, t.level)::record_of_build FROM tree_build(q.key) AS t) <> array(SELECT (w.id, w.code, w.name, w.parent_id, w.distance - 1)::record_of_build FROM tree_walk(q.key, include_start => false) AS w)
        AND EXISTS (SELECT FROM oracle AS o WHERE o.node = q.key AND o.in_tree)), 0::bigint, what || ': tree_walk has the rows of tree_build, in their order');
    RETURN NEXT agree('SELECT key, t.id, t.code, t.name, t.parent_id, t.depth, t.children, t.descendants, t.is_leaf, t.is_cycle, t.root_id, t.path FROM question, tree_walk(key) AS t',
        'SELECT key, o.node, o.code, o.name, o.parent_id, depth_of(o.node), c.n::int, (SELECT count(*) FROM below WHERE above = o.node), c.n = 0, o.on_cycle, CASE WHEN o.rooted THEN o.path[1] END, o.path
         FROM question JOIN oracle AS q ON q.node = key AND q.in_tree JOIN oracle AS o ON o.in_tree AND key = ANY (o.path), LATERAL (SELECT count(*) AS n FROM child WHERE parent = o.node) AS c', what || ': what tree_walk says of a node');
    RETURN NEXT agree('SELECT key, t.id, t.distance, t.rank FROM question, tree_walk(key) AS t',
        'SELECT key, t.id, t.distance, t.ordinality FROM question, LATERAL (SELECT key AS id, 0 AS distance, 1 AS ordinality UNION ALL SELECT id, level + 1, ordinality + 1 FROM tree_build(key) WITH ORDINALITY) AS t
         WHERE EXISTS (SELECT FROM oracle WHERE node = key AND in_tree)', what || ': distance and rank of tree_walk');
    RETURN NEXT agree('SELECT key, t.id, t.distance, t.rank, t.ordinality FROM question, tree_walk(key, search => ''breadth'') WITH ORDINALITY AS t',
        'SELECT key, id, distance, row_number() OVER w, row_number() OVER w FROM (SELECT key, t.id, t.distance, t.rank FROM question, tree_walk(key) AS t) AS t WINDOW w AS (PARTITION BY key ORDER BY distance, rank)', what || ': breadth first');
    RETURN NEXT agree('SELECT key, m, t.id, t.rank, t.descendants FROM question, generate_series(-1, 3) AS m, tree_walk(key, include_start => m % 2 = 0, max_distance => m) AS t',
        'SELECT key, m, t.id, row_number() OVER (PARTITION BY key, m ORDER BY t.rank), t.descendants FROM question, generate_series(-1, 3) AS m, tree_walk(key) AS t WHERE t.distance <= m AND (m % 2 = 0 OR t.distance > 0)', what || ': max_distance and include_start');
    RETURN NEXT agree('SELECT key, t.id, t.depth, t.ordinality FROM question, tree_leaves(key) WITH ORDINALITY AS t',
        'SELECT key, id, depth, row_number() OVER (PARTITION BY key ORDER BY n) FROM (
             SELECT key, t.id, depth_of(t.id) AS depth, t.ordinality AS n FROM question JOIN oracle AS q ON q.node = key AND q.in_tree, tree_build(key) WITH ORDINALITY AS t
             WHERE NOT EXISTS (SELECT FROM child WHERE parent = t.id)
             UNION ALL SELECT key, key, depth_of(key), 0 FROM question JOIN oracle ON node = key AND in_tree WHERE NOT EXISTS (SELECT FROM tree_build(key))) AS l', what || ': tree_leaves');
    RETURN NEXT is((SELECT count(*) FROM question WHERE array(SELECT (t.id, t.code, t.name, t.parent_id, t.level)::record_of_build FROM tree_build(key) AS t) <> pages(key, 1 + (abs(key) % 7)::int)), 0::bigint, what || ': the pages make up tree_build');
    RETURN NEXT agree('SELECT key, j.id, j.code, j.name, j.level, j.n FROM question, flattened(tree_json(key)) AS j',
        'SELECT key, w.id, w.code, w.name, w.distance, w.rank FROM question, tree_walk(key) AS w', what || ': tree_json, flattened again');
    RETURN NEXT agree('SELECT key, m, l.level, l.label, l.ordinality FROM question, generate_series(-1, 40, 10) AS m, tree_draw(key, max_level => m) WITH ORDINALITY AS d (line, ordinality), LATERAL (SELECT CASE WHEN d.ordinality = 1 THEN 0 ELSE (length(d.line) - length(regexp_replace(d.line, ''^[├└│─ ]*'', '''')))/ 4 END AS level, regexp_replace(d.line, ''^[├└│─ ]*'', '''') AS label, d.ordinality) AS l',
        'SELECT key, m, w.distance, coalesce(w.name, w.id::text), row_number() OVER (PARTITION BY key, m ORDER BY w.rank) FROM question, generate_series(-1, 40, 10) AS m, tree_walk(key, max_distance => m + 1) AS w', what || ': tree_draw, line by line');
    RETURN NEXT agree('SELECT (node).id::bigint, node::text, level, rank FROM tree_forest(NULL::forest)',
        'SELECT id, (SELECT f::text FROM forest AS f WHERE f.id = x.id), level, row_number() OVER (ORDER BY root_place, n) FROM (
             SELECT o.node AS id, 0 AS level, o.place AS root_place, 0 AS n FROM oracle AS o WHERE o.in_tree AND o.rooted AND cardinality(o.path) = 1
             UNION ALL SELECT t.id, t.level + 1, o.place, t.ordinality FROM oracle AS o, tree_build(o.node) WITH ORDINALITY AS t WHERE o.in_tree AND o.rooted AND cardinality(o.path) = 1) AS x', what || ': tree_forest');
    RETURN NEXT agree('SELECT key, m, (node).id::bigint, (node).code COLLATE "default", (node).name, (node).parent_id::bigint, level, rank FROM question, generate_series(0, 2) AS m, tree_rows(NULL::forest, key, max_level => nullif(m, 2))',
        'SELECT key, m, t.id, t.code, t.name, t.parent_id, t.level, t.ordinality FROM question, generate_series(0, 2) AS m, tree_build(key, max_level => nullif(m, 2)) WITH ORDINALITY AS t', what || ': tree_rows');
END $$;

SELECT prepare_oracle('random', false, 'whole') \gset
SELECT compare('random');
SELECT prepare_oracle('forest', true, 'levels') \gset
SELECT compare('a filtered forest');
SELECT prepare_oracle('sentinel', true, 'whole') \gset
SELECT compare('filtered sentinels');
SELECT prepare_oracle('own parents', false, 'levels') \gset
SELECT compare('own parents');
SELECT prepare_oracle('cycles', false, 'levels') \gset
SELECT compare('cycles');
SELECT prepare_oracle('cycles', true, 'whole') \gset
SELECT compare('filtered cycles');
SELECT * FROM finish();
