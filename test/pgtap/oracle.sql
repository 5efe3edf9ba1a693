-- tree_build answers what the recursive query answers, in the order of the tree: many shapes, key types, collations,
-- filters and orders, whether the table is read whole or level by level.
BEGIN;
\ir common.inc
CREATE EXTENSION citext;
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE COLLATION root_locale (provider = icu, locale = 'und');
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION english (provider = libc, locale = 'en_US.UTF-8');

CREATE TABLE key_kind (key_type text, spelling text);
INSERT INTO key_kind VALUES ('smallint', 'number'), ('int', 'number'), ('bigint', 'number'), ('positive', 'number'), ('uuid', 'uuid'), ('text', 'word'), ('varchar', 'word'), ('varchar(20)', 'word'),
    ('char(12)', 'short word'), ('numeric', 'number'), ('citext', 'word'), ('date', 'date'), ('label', 'label'), ('bytea', 'bytes'), ('float8', 'fraction'), ('timestamp', 'date'), ('inet', 'address'), ('interval', 'hours'),
    ('text COLLATE any_case', 'word');

SELECT plan((SELECT count(*) FROM key_kind)::int * 8 + 6 * 7 + 12 * 2 + 6);

CREATE FUNCTION key_and_shape(key_type text, spelling text, shape text, access text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    PERFORM plant(key_type, spelling, shape, 120, '"C"', access);
    PERFORM tree_register('forest', name => 'name');
    wrong := differences_from_roots(split_part(key_type, ' COLLATE', 1), spelling, 120, 6);
    RETURN is(wrong, 0::bigint, format('%s keys, %s, read by %s', key_type, shape, access));
END $$;
SELECT key_and_shape(key_type, spelling, shape, (ARRAY['whole', 'levels'])[1 + (length(key_type) + ordinality) % 2])
FROM key_kind, unnest(ARRAY['random', 'recent', 'chain', 'wide', 'binary', 'forest', 'sentinel', 'own parents']) WITH ORDINALITY AS s (shape, ordinality);

-- Sibling order in the collation of the code, as ORDER BY would have it.
CREATE FUNCTION collated(collation_of_code text, shape text, access text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    PERFORM plant('int', 'number', shape, 200, collation_of_code, access);
    PERFORM tree_register('forest');
    wrong := differences_from_roots('int', 'number', 200, 6);
    RETURN is(wrong, 0::bigint, format('code in collation %s, %s, read by %s', collation_of_code, shape, access));
END $$;
SELECT collated(c, shape, access)
FROM unnest(ARRAY['"C"', 'english', 'german', 'root_locale', 'any_case', '"default"']) AS c,
     (VALUES ('random', 'whole'), ('wide', 'whole'), ('wide', 'levels'), ('forest', 'levels'), ('binary', 'whole'), ('sentinel', 'whole'), ('recent', 'levels')) AS s (shape, access);

-- order_by of several columns and directions, and a filter.
CREATE FUNCTION ordered(order_by text, filter text, access text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    PERFORM plant('int', 'number', 'wide', 150, '"C"', access);
    UPDATE forest SET parent_id = (SELECT id FROM forest AS f WHERE f.id < forest.id ORDER BY random() LIMIT 1) WHERE random() < 0.3 AND id > -10;
    PERFORM tree_register('forest', order_by => order_by, filter => nullif(filter, 'true'));
    wrong := differences_from_roots('int', 'number', 150, 10, order_by, filter);
    RETURN is(wrong, 0::bigint, format('ordered by %s, where %s, read by %s', order_by, filter, access));
END $$;
SELECT ordered(o.order_by, o.filter, access)
FROM (VALUES ('a', 'true'), ('a DESC', 'active'), ('a NULLS FIRST, b DESC', 'true'), ('a DESC NULLS LAST, b NULLS FIRST, c', 'active'), ('c', 'true'), ('c DESC NULLS LAST, a', 'active IS NOT FALSE'),
             ('b COLLATE german, code COLLATE english DESC', 'true'), ('lower(code), a + 1 DESC', 'a > -2'), ('active, active IS NULL DESC, length(b)', 'code IS NOT NULL'),
             ('a::bigint DESC', 'true'), ('a::smallint, c::numeric', 'b <> ''a'' OR active'), ('md5(b)::uuid DESC NULLS LAST, (a * 86400)::text', 'NOT active')) AS o (order_by, filter),
     unnest(ARRAY['whole', 'levels']) AS access;

-- SEARCH DEPTH FIRST says the same about order.
SELECT plant('int', 'number', 'random', 300, 'german', 'whole');
UPDATE forest SET code = coalesce(code, '');
SELECT tree_register('forest') \gset
PREPARE by_search AS
    WITH RECURSIVE t AS (
        SELECT id::bigint, code, name, parent_id::bigint, 0 AS level FROM forest WHERE parent_id = -19
        UNION ALL
        SELECT f.id, f.code, f.name, f.parent_id, t.level + 1 FROM forest AS f JOIN t ON f.parent_id = t.id
    ) SEARCH DEPTH FIRST BY code, id SET place
    SELECT id, code COLLATE "default", name, parent_id, level FROM t ORDER BY place;
PREPARE by_tree AS SELECT * FROM tree_build(-19);
SELECT results_eq('by_tree', 'by_search', 'the order of SEARCH DEPTH FIRST BY code, id');
DEALLOCATE by_search;
DEALLOCATE by_tree;

-- A larger one: the read begins level by level and changes its mind.
SELECT plant('int', 'number', 'random', 40000, '"C"', 'whole');
CREATE INDEX ON forest (parent_id);
ANALYZE forest;
SELECT tree_register('forest') \gset
SELECT is(differences('int', '-19'), 0::bigint, 'all of 40000 nodes');
SELECT is((SELECT sum(differences('int', key_of('number', i))) FROM (VALUES (2), (3), (10), (100), (1000), (39999)) AS r (i)), 0::numeric, 'parts of 40000 nodes, small and large');
SELECT is(differences('int', '-19', max_level => 3), 0::bigint, 'some levels of 40000 nodes');
SELECT plant('uuid', 'uuid', 'recent', 8000, 'english', 'whole');
CREATE INDEX ON forest (parent_id);
ANALYZE forest;
SELECT tree_register('forest') \gset
SELECT is(differences('uuid', md5('1')), 0::bigint, 'a deep one of 8000 nodes');
SELECT plant('bigint', 'number', 'wide', 30000, 'english', 'whole');
SELECT tree_register('forest', order_by => 'code DESC') \gset
SELECT is(differences('bigint', '-19', 'code DESC'), 0::bigint, 'a wide one of 30000 nodes');

SELECT * FROM finish();
ROLLBACK;
