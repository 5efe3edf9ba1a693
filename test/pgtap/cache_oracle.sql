-- What an image answers is what the table answers: every reading function, asked about every key, with the cache off and then from a
-- warm image; row for row, in order, errors and all. On forests of every key type, with everything that goes wrong in real tables.
\ir common.inc
CREATE EXTENSION citext;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE pair AS (number int, word text);
CREATE DOMAIN word AS text CHECK (VALUE <> 'never');
DO $$ BEGIN EXECUTE 'CREATE TYPE sign AS ENUM (' || (SELECT string_agg(quote_literal('sign ' || i), ', ' ORDER BY md5(i::text)) FROM generate_series(-1, 200) AS i) || ')'; END $$;

-- --- Forests ---------------------------------------------------------------------------------------------------------

-- The i-th key, different for different i, from -1 on.
CREATE FUNCTION key(spelling text, i int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE spelling
        WHEN 'number' THEN i::text
        WHEN 'sparse' THEN (i * 17011)::text
        WHEN 'extreme' THEN CASE WHEN i % 2 = 0 THEN 9223372036854775807 - i ELSE -9223372036854775807 + i END::text
        WHEN 'uuid' THEN md5(i::text)
        WHEN 'decimal' THEN i || '.5'
        WHEN 'float' THEN (ARRAY['-Infinity', '0', '1e300', 'NaN', 'Infinity', '0.1'])[i + 2]
        WHEN 'word' THEN CASE WHEN i = 3 THEN '' WHEN i % 9 = 5 THEN repeat(md5(i::text), 6) WHEN i % 31 = 11 THEN repeat('x', 3000) || i
                         ELSE (ARRAY['a', 'B', 'ä', '''', '\', ' x', '"'])[1 + abs(i) % 7] || substr(md5(i::text), 1, 6) END
        WHEN 'short word' THEN CASE WHEN i = 3 THEN '' ELSE substr(md5(i::text), 1, 7) END
        WHEN 'bytes' THEN '\x' || CASE WHEN i = 3 THEN '' WHEN i % 9 = 5 THEN repeat(md5(i::text), 9) ELSE md5(i::text) END
        WHEN 'date' THEN ('2000-01-01'::date + i)::text
        WHEN 'moment' THEN ('2000-01-01 12:34:56.789'::timestamp + i * interval '1 hour')::text || '+00'
        WHEN 'days' THEN i || ' days'
        WHEN 'sign' THEN 'sign ' || i
        WHEN 'address' THEN format('10.0.%s.7', i + 1)
        WHEN 'letter' THEN chr(41 + i)
        WHEN 'range' THEN format('[%s,%s)', i, i + 10)
        WHEN 'pair' THEN format('(%s,"a, b")', i)
    END
$$;
-- The same key, for types that let it be written in another way.
CREATE FUNCTION respelled(key_type text, key text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE
        WHEN key_type IN ('citext', 'text COLLATE any_case') THEN upper(key)
        WHEN key_type = 'numeric' THEN key || '00'
        WHEN key_type LIKE 'char(%' THEN key || '  '
        WHEN key_type = 'interval' THEN split_part(key, ' ', 1)::int * 24 || ' hours'
        WHEN key_type = 'float8' AND key = '0' THEN '-0'
        WHEN key_type = 'inet' THEN key || '/32'
        ELSE key
    END
$$;

CREATE TABLE kind (key_type text PRIMARY KEY, spelling text, nodes int);
INSERT INTO kind VALUES
    ('smallint', 'number', 40), ('int', 'number', 40), ('bigint', 'extreme', 40), ('positive', 'number', 40), ('uuid', 'uuid', 40), ('text', 'word', 40), ('varchar(3100)', 'word', 40), ('word', 'word', 40),
    ('citext', 'word', 40), ('text COLLATE any_case', 'word', 40), ('numeric', 'decimal', 40), ('char(12)', 'short word', 40), ('bytea', 'bytes', 40), ('date', 'date', 40), ('timestamptz', 'moment', 40), ('interval', 'days', 40),
    ('sign', 'sign', 40), ('inet', 'address', 40), ('float8', 'float', 3), ('"char"', 'letter', 40), ('name', 'short word', 40), ('int4range', 'range', 40), ('pair', 'pair', 40);

-- A new table `forest`: orphans, sentinel parents, rows that are their own parents, strings of every length, rows that a filter rejects
-- and what hangs from them; a wild one has cycles and null keys besides. Its keys are those from 1 to n.
CREATE FUNCTION plant_every_flaw(kind kind, n int, wild bool) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS forest;
    EXECUTE format('CREATE TABLE forest (note text, id %1$s UNIQUE, parent_id %1$s, code text, name text, active bool, a int)', kind.key_type);
    EXECUTE format($f$
        INSERT INTO forest
        SELECT 'note ' || i, CASE WHEN %5$L AND i %% 19 = 0 THEN NULL ELSE key(%1$L, i) END::%2$s,
               CASE WHEN random() < 0.5 THEN key(%1$L, parent) ELSE respelled(%3$L, key(%1$L, parent)) END::%2$s,
               CASE WHEN i %% 19 = 0 THEN 'keyless ' || i WHEN i %% 17 = 0 THEN repeat('c', 150 + i) WHEN random() < 0.9 THEN (ARRAY['a', 'B', 'b', 'ä', '', '10', '9', 'ab'])[1 + floor(random() * 8)::int] END,
               CASE WHEN i %% 13 = 0 THEN (SELECT string_agg(md5(i::text || x), '') FROM generate_series(1, 100) AS x) WHEN i %% 7 = 0 THEN repeat('n', 100 + i) WHEN random() < 0.8 THEN 'name ' || i END,
               CASE WHEN random() < 0.75 THEN true WHEN random() < 0.5 THEN false END, CASE WHEN random() < 0.8 THEN floor(random() * 5)::int END
        FROM (SELECT i, CASE WHEN %5$L AND i %% 20 IN (13, 14) THEN i + 1 WHEN %5$L AND i %% 20 = 15 THEN i - 2
                             WHEN i = 1 OR dice < 0.05 THEN NULL WHEN dice < 0.1 THEN %4$s + 1 + floor(random() * 3)::int WHEN dice < 0.15 THEN 0 WHEN dice < 0.2 THEN -1 WHEN dice < 0.24 THEN i
                             ELSE 1 + floor(random() * (i - 1))::int END AS parent
              FROM (SELECT i, random() AS dice FROM generate_series(1, %4$s) AS i) AS dice) AS nodes ORDER BY random()$f$, kind.spelling, split_part(kind.key_type, ' COLLATE', 1), kind.key_type, n, wild);
    CREATE INDEX ON forest (parent_id);
    ANALYZE forest;
    -- Whom to ask about: every key and another way to write it, sentinels, and keys that no row has.
    TRUNCATE ask;
    INSERT INTO ask SELECT format('%s%s', i, variant), CASE variant WHEN '' THEN key(kind.spelling, i) ELSE respelled(kind.key_type, key(kind.spelling, i)) END
    FROM generate_series(-1, n + CASE kind.key_type WHEN 'float8' THEN 1 ELSE 6 END) AS i, unnest(ARRAY['', '*']) AS variant
    WHERE variant = '' OR i % 4 = 0 AND respelled(kind.key_type, key(kind.spelling, i)) <> key(kind.spelling, i);
    IF kind.key_type IN ('smallint', 'int', 'positive') THEN
        INSERT INTO ask VALUES ('too large', '9223372036854775807'), ('too small', '-9223372036854775808');
    END IF;
END $$;
CREATE TABLE ask (q text, key text);

-- --- Questions -------------------------------------------------------------------------------------------------------

-- Each gives q, which key and options; n, the place of the row; a, the row. FORM stands for the overload.
CREATE TABLE question (label text, sql text);
INSERT INTO question VALUES
    ('tree_build', $$SELECT format('%s %s', q, m) AS q, ordinality AS n, t::text AS a FROM ask, unnest(ARRAY[NULL, -2147483648, -1, 0, 1, 2147483646]) AS m, tree_build(key::FORM, 'forest', m) WITH ORDINALITY AS t$$),
    ('tree_rows', $$SELECT format('%s %s', q, m), ordinality, t::text FROM ask, unnest(ARRAY[NULL, -1, 0, 3]) AS m, tree_rows(NULL::forest, key::FORM, NULL, m) WITH ORDINALITY AS t$$),
    ('tree_forest', $$SELECT m::text, ordinality, t::text FROM unnest(ARRAY[NULL, -2147483648, -1, 0, 1, 2, 3]) AS m, tree_forest(NULL::forest, NULL, m) WITH ORDINALITY AS t$$),
    ('tree_walk', $$SELECT format('%s %s %s %s', q, search, m, start), ordinality, t::text FROM ask, unnest(ARRAY['depth', 'breadth']) AS search, unnest(ARRAY[NULL, -2147483648, -1, 0, 1, 2147483647]) AS m, unnest(ARRAY[true, false]) AS start,
                    tree_walk(key::FORM, 'forest', search, start, m) WITH ORDINALITY AS t WHERE m IS NULL OR hashtext(q) % 3 = 0$$),
    ('tree_children', $$SELECT q, ordinality, t::text FROM ask, tree_children(key::FORM, 'forest') WITH ORDINALITY AS t$$),
    ('tree_siblings', $$SELECT q, ordinality, t::text FROM ask, tree_siblings(key::FORM, 'forest') WITH ORDINALITY AS t$$),
    ('tree_ancestors', $$SELECT q, ordinality, t::text FROM ask, tree_ancestors(key::FORM, 'forest') WITH ORDINALITY AS t$$),
    ('tree_leaves', $$SELECT q, ordinality, t::text FROM ask, tree_leaves(key::FORM, 'forest') WITH ORDINALITY AS t$$),
    ('tree_path', $$SELECT q, 1, tree_path(key::FORM, 'forest')::text FROM ask$$),
    ('tree_path_text', $$SELECT q, 1, tree_path_text(key::FORM, 'forest', '/') FROM ask$$),
    ('tree_depth', $$SELECT q, 1, tree_depth(key::FORM, 'forest')::text FROM ask$$),
    ('tree_root', $$SELECT q, 1, tree_root(key::FORM, 'forest')::text FROM ask$$),
    ('tree_descendant_count', $$SELECT q, 1, tree_descendant_count(key::FORM, 'forest')::text FROM ask$$),
    ('pairs', $$SELECT format('%s %s', a.q, b.q), 1, concat_ws(' ', tree_is_ancestor(a.key::FORM, b.key::FORM, 'forest'), tree_contains(a.key::FORM, b.key::FORM, 'forest'), tree_lca(a.key::FORM, b.key::FORM, 'forest'))
                FROM ask AS a, ask AS b WHERE hashtext(a.q || '/' || b.q) % 6 = 0$$),
    ('tree_json', $$SELECT format('%s %s', q, m), 1, tree_json(key::FORM, 'forest', m)::text FROM ask, unnest(ARRAY[NULL, -1, 0, 1]) AS m$$),
    ('tree_draw', $$SELECT format('%s %s', q, m), ordinality, line FROM ask, unnest(ARRAY[NULL, -2147483648, -1, 0, 1]) AS m, tree_draw(key::FORM, 'forest', m) WITH ORDINALITY AS t (line, ordinality)$$),
    ('tree_page, the first', $$SELECT format('%s %s', q, size), ordinality, t::text FROM ask, unnest(ARRAY[NULL, 1, 3]) AS size, tree_page(key::FORM, NULL, 'forest', size) WITH ORDINALITY AS t$$),
    ('tree_page, from every row on', $$SELECT format('%s %s', q, b.n), ordinality, t::text FROM ask, LATERAL (SELECT id, row_number() OVER () AS n FROM tree_build(key::FORM, 'forest')) AS b, tree_page(key::FORM, b.id::FORM, 'forest', 4) WITH ORDINALITY AS t
                                       WHERE b.id IS NOT NULL AND hashtext(q) % 2 = 0$$),
    ('tree_page, after any key', $$SELECT format('%s %s', a.q, b.q), 1, tried(format('SELECT array_agg(t ORDER BY ordinality)::text FROM tree_page(%L::FORM, %L::FORM, ''forest'', 2) WITH ORDINALITY AS t', a.key, b.key))
                                   FROM ask AS a, ask AS b WHERE hashtext(a.q || '/' || b.q) % 12 = 0$$),
    ('errors', $$SELECT call, 1, tried('SELECT ' || call) FROM unnest(ARRAY['tree_depth(''no key of any type, I hope'', ''forest'')', 'tree_contains(''a'', ''(1,'', ''forest'')', 'tree_lca(''1'', ''x x'', ''forest'')', 'tree_path(md5(''1'')::uuid, ''forest'')',
                 'tree_path(1, ''forest'')', 'tree_walk(NULL::FORM, ''forest'', ''sideways'')', 'tree_page(NULL::FORM, NULL, ''forest'', 0)']) AS call$$);

CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    hint text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, hint);
END $$;
CREATE FUNCTION answer(sql text, form text, cached bool) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    rows text[];
BEGIN
    PERFORM set_config('pg_tree.enable_cache', cached::text, true);
    EXECUTE format('SELECT array_agg(format(''%%s, row %%s: %%s'', q, n, a) ORDER BY q COLLATE "C", n) FROM (%s) AS x (q, n, a)', replace(sql, 'FORM', form)) INTO rows;
    RETURN rows;
END $$;

-- --- Comparing -------------------------------------------------------------------------------------------------------

CREATE VIEW counted AS
    SELECT hits, misses, bypasses, builds, coalesce((SELECT count FROM tree_stat_bypass AS b WHERE b.datname = c.datname AND b.tree = c.tree AND reason = 'disabled'), 0) AS disabled,
           coalesce((SELECT count FROM tree_stat_bypass AS b WHERE b.datname = c.datname AND b.tree = c.tree AND reason = 'unsupported'), 0) AS unsupported
    FROM tree_stat_cache AS c WHERE datname = current_database() AND tree = 'public.forest';

-- Asks every question both ways. What the first difference is; NULL if there is none. And that every call with the cache on was answered from the
-- image or given up, as often as the table was read with it off.
CREATE FUNCTION first_difference(form text, OUT difference text, OUT not_counted text, OUT hits bigint, OUT given_up bigint) LANGUAGE plpgsql AS $$
DECLARE
    question question;
    by_table text[];
    by_image text[];
    before counted;
    between counted;
    afterwards counted;
BEGIN
    hits := 0;
    given_up := 0;
    FOR question IN SELECT * FROM question LOOP
        SELECT * INTO before FROM counted;
        by_table := answer(question.sql, form, false);
        SELECT * INTO between FROM counted;
        by_image := answer(question.sql, form, true);
        SELECT * INTO afterwards FROM counted;
        IF by_table IS DISTINCT FROM by_image AND difference IS NULL THEN
            SELECT format('%s: the table says %s, the image %s', question.label, left(t, 1000), left(i, 1000)) INTO difference FROM unnest(by_table, by_image) AS d (t, i) WHERE t IS DISTINCT FROM i LIMIT 1;
        END IF;
        -- A page of an unknown root after some row, and whatever a cycle or a row without a key stands in the way of.
        IF afterwards.hits - between.hits + afterwards.unsupported - between.unsupported <> between.disabled - before.disabled
            OR afterwards.bypasses - between.bypasses <> afterwards.unsupported - between.unsupported OR (afterwards.misses, afterwards.builds) <> (before.misses, before.builds) THEN
            not_counted := concat_ws(' ', not_counted, format('%s: %s, then %s, then %s', question.label, before, between, afterwards));
        END IF;
        hits := hits + afterwards.hits - between.hits;
        IF question.label <> 'tree_page, after any key' THEN
            given_up := given_up + afterwards.unsupported - between.unsupported;
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION compare(form text, complete bool, what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    SELECT * INTO found FROM first_difference(form);
    RETURN NEXT is(found.difference, NULL, what || ': the image says what the table says');
    RETURN NEXT is(found.not_counted, NULL, what || ': every call is a hit or given up, and counted');
    IF complete THEN
        RETURN NEXT ok(found.hits > 0 AND found.given_up = 0, format('%s: all from the image (%s calls, %s given up)', what, found.hits, found.given_up));
    ELSE
        RETURN NEXT ok(found.hits > 0 AND found.given_up > 0, format('%s: some given up (%s calls, %s given up)', what, found.hits, found.given_up));
    END IF;
END $$;

-- Rows that hang from no root and from no rejected row: they are on a cycle or below one. From the table alone.
CREATE FUNCTION cyclic_rows(filter text) RETURNS tid[] LANGUAGE plpgsql AS $$
DECLARE
    rows tid[];
BEGIN
    EXECUTE format($q$
        WITH RECURSIVE rooted AS (
            SELECT ctid, id FROM forest AS f WHERE parent_id IS NULL OR parent_id = id OR (%1$s) IS NOT TRUE OR NOT EXISTS (SELECT FROM forest AS p WHERE p.id = f.parent_id)
            UNION
            SELECT f.ctid, f.id FROM forest AS f JOIN rooted AS r ON f.parent_id = r.id
        )
        SELECT coalesce(array_agg(ctid), '{}') FROM forest WHERE ctid NOT IN (SELECT ctid FROM rooted)$q$, filter) INTO rows;
    RETURN rows;
END $$;
-- Rows in the image: all that pass the filter but those.
CREATE FUNCTION expected_nodes(filter text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    nodes bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM forest WHERE (%s) AND ctid <> ALL ($1)', filter) INTO nodes USING cyclic_rows(filter);
    RETURN nodes;
END $$;
-- Keys asked for that are theirs.
CREATE FUNCTION cyclic_keys(key_type text, filter text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    keys bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ask WHERE EXISTS (SELECT FROM forest AS f WHERE f.id = key::%s AND f.ctid = ANY ($1))', key_type) INTO keys USING cyclic_rows(filter);
    RETURN keys;
END $$;
CREATE FUNCTION depths_given_up(form text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT unsupported FROM counted);
BEGIN
    PERFORM answer((SELECT sql FROM question WHERE label = 'tree_depth'), form, true);
    RETURN (SELECT unsupported FROM counted) - before;
END $$;

-- --- Every type, tame and wild, with registrations of every sort -------------------------------------------------------

CREATE TABLE manner (n int, filter text, name text, code text, order_by text);
INSERT INTO manner VALUES (0, NULL, 'name', 'code', 'code'), (1, 'active', 'name', 'code', 'a DESC NULLS LAST, code COLLATE "C"'), (2, 'active IS NOT FALSE', 'coalesce(name, code)', 'code', 'code COLLATE "C" DESC'),
                          (3, 'a < 4 OR a IS NULL', 'a', 'a', 'name'), (4, NULL, 'code', 'code', 'lower(code), length(name) DESC'), (5, 'active', 'name', 'code', 'a DESC NULLS LAST, code');
CREATE FUNCTION register_forest(manner manner) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tree_register('forest', filter => manner.filter, name => manner.name, code => manner.code, order_by => manner.order_by);
END $$;
CREATE FUNCTION form_of_kind(key_type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN key_type IN ('smallint', 'int', 'bigint', 'positive') THEN 'bigint' WHEN key_type = 'uuid' THEN 'uuid' ELSE 'text' END
$$;
CREATE TABLE round AS
    SELECT key_type, wild, m AS manner, form_of_kind(key_type) AS form, coalesce(m.filter, 'true') AS filter, row_number() OVER (ORDER BY key_type, wild) AS place,
           format('%s keys, %s, registered in manner %s', key_type, CASE WHEN wild THEN 'wild' ELSE 'tame' END, m.n) AS what
    FROM (SELECT *, row_number() OVER (ORDER BY key_type) AS turn FROM kind) AS kind, unnest(ARRAY[false, true]) AS wild, manner AS m
    WHERE m.n = (turn + 2 * wild::int) % 5 AND (NOT wild OR nodes > 3);
SELECT plan((SELECT count(*) * 5 FROM round)::int + 3 * 4 + 4 * 4 + 4 * 4);

SELECT format('SELECT plant_every_flaw(kind, kind.nodes, %L) FROM kind WHERE key_type = %L', wild, key_type),
       format('SELECT register_forest(manner) FROM manner WHERE n = %s', (manner).n),
       format('SELECT is((SELECT nodes FROM tree_warm()), expected_nodes(%L), %L)', filter, what || ': nodes of the image'),
       format('SELECT * FROM compare(%L, %L, %L)', form, NOT wild, what),
       format('SELECT is(depths_given_up(%L), cyclic_keys(%L, %L), %L)', form, CASE form WHEN 'bigint' THEN form ELSE key_type END, filter, what || ': given up for cycles and nothing else')
FROM round ORDER BY place
\gexec

-- Keys of other types asked for in their text form.
SELECT format('SELECT plant_every_flaw(kind, kind.nodes, false) FROM kind WHERE key_type = %L', key_type),
       'DELETE FROM ask WHERE q LIKE ''too %''',  -- an error, as text
       'SELECT register_forest(manner) FROM manner WHERE n = 1',
       format('SELECT is((SELECT nodes FROM tree_warm()), expected_nodes(''active''), %L)', key_type || ' keys, asked for as text: nodes of the image'),
       format('SELECT * FROM compare(''text'', true, %L)', key_type || ' keys, asked for as text')
FROM unnest(ARRAY['int', 'bigint', 'uuid']) AS key_type
\gexec

-- Nothing at all, one row, nothing but a cycle, nothing that passes the filter.
SELECT plant_every_flaw(kind, 0, false) FROM kind WHERE key_type = 'int';
SELECT register_forest(manner) FROM manner WHERE n = 0;
SELECT is((SELECT nodes FROM tree_warm()), 0::bigint, 'an empty table: nodes of the image');
SELECT * FROM compare('bigint', true, 'an empty table');
SELECT plant_every_flaw(kind, 1, false) FROM kind WHERE key_type = 'text';
SELECT register_forest(manner) FROM manner WHERE n = 0;
SELECT is((SELECT nodes FROM tree_warm()), 1::bigint, 'one row: nodes of the image');
SELECT * FROM compare('text', true, 'one row');
SELECT plant_every_flaw(kind, 3, false) FROM kind WHERE key_type = 'int';
UPDATE forest SET parent_id = id % 3 + 1, active = true;
SELECT register_forest(manner) FROM manner WHERE n = 0;
SELECT is((SELECT nodes FROM tree_warm()), 0::bigint, 'a cycle alone: nodes of the image');
SELECT * FROM compare('bigint', false, 'a cycle alone');
UPDATE forest SET active = false;
SELECT register_forest(manner) FROM manner WHERE n = 1;
SELECT is((SELECT nodes FROM tree_warm()), 0::bigint, 'nothing passes the filter: nodes of the image');
SELECT * FROM compare('bigint', true, 'nothing passes the filter');

-- What keys look like is the asking session's affair, not the builder's.
SELECT format('SELECT plant_every_flaw(kind, kind.nodes, false) FROM kind WHERE key_type = %L', key_type),
       'SELECT register_forest(manner) FROM manner WHERE n = 5',
       format('SELECT is((SELECT nodes FROM tree_warm()), expected_nodes(''active''), %L)', key_type || ' keys under other settings: nodes of the image'),
       format('SET DateStyle = ''German''; SET IntervalStyle = ''iso_8601''; SET TimeZone = ''Asia/Tokyo''; SET bytea_output = ''escape''; SET extra_float_digits = -3'),
       format('SELECT * FROM compare(''text'', true, %L)', key_type || ' keys under other settings'),
       'RESET DateStyle; RESET IntervalStyle; RESET TimeZone; RESET bytea_output; RESET extra_float_digits'
FROM unnest(ARRAY['date', 'interval', 'timestamptz', 'bytea']) AS key_type
\gexec
SELECT * FROM finish();
