-- tree_build keeps to the recursive query while the forest changes: within a transaction that has changed it, in
-- savepoints, after they are rolled back, and from one transaction to the next.
\ir common.inc

CREATE FUNCTION change(key_type text, spelling text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i int := 2 + floor(random() * 150)::int;
    up int := 1 + floor(random() * (i - 1))::int;  -- a parent before its child: no cycles
BEGIN
    CASE floor(random() * 6)::int
        WHEN 0 THEN EXECUTE format('INSERT INTO forest VALUES (%1$L, %2$L, ''new'', ''new'', true) ON CONFLICT (id) DO UPDATE SET code = NULL', key_of(spelling, 150 + i), key_of(spelling, i));
        WHEN 1 THEN EXECUTE format('UPDATE forest SET parent_id = %L WHERE id = %L', key_of(spelling, up), key_of(spelling, i));
        WHEN 2 THEN EXECUTE format('DELETE FROM forest WHERE id = %L', key_of(spelling, i));
        WHEN 3 THEN EXECUTE format('UPDATE forest SET code = md5(random()::text), name = ''renamed'' WHERE id = %L', key_of(spelling, i));
        WHEN 4 THEN EXECUTE format('UPDATE forest SET active = NOT active WHERE id = %L', key_of(spelling, i));
        ELSE EXECUTE format('UPDATE forest SET parent_id = NULL WHERE id = %L', key_of(spelling, i));
    END CASE;
END $$;
-- Some changes and a look after each; then, in a block that is undone, more of them; and a look afterwards.
CREATE FUNCTION live(key_type text, spelling text, filter text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint := 0;
    undone bigint := 0;
BEGIN
    FOR n IN 1..12 LOOP
        PERFORM change(key_type, spelling);
        wrong := wrong + differences_from_roots(key_type, spelling, 150, 2, 'code', filter);
    END LOOP;
    BEGIN
        FOR n IN 1..6 LOOP
            PERFORM change(key_type, spelling) FROM generate_series(1, 3);
            undone := undone + differences_from_roots(key_type, spelling, 150, 2, 'code', filter);
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'PT001', MESSAGE = undone::text;
    EXCEPTION WHEN SQLSTATE 'PT001' THEN
        wrong := wrong + SQLERRM::bigint;
    END;
    RETURN wrong + differences_from_roots(key_type, spelling, 150, 3, 'code', filter);
END $$;

SELECT plan(3 * 2 * 4);
CREATE FUNCTION start(key_type text, spelling text, access text, filter text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plant(key_type, spelling, 'random', 150, '"C"', access);
    PERFORM tree_register('forest', filter => nullif(filter, 'true'));
END $$;

SELECT start('int', 'number', 'whole', 'true');
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by whole, where true: in a transaction of its own');
BEGIN;
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by whole, where true: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('int', 'number', 150, 10, 'code', 'true'), 0::bigint, 'int keys, read by whole, where true: rolled back');
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by whole, where true: once more');

SELECT start('int', 'number', 'levels', 'true');
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by levels, where true: in a transaction of its own');
BEGIN;
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by levels, where true: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('int', 'number', 150, 10, 'code', 'true'), 0::bigint, 'int keys, read by levels, where true: rolled back');
SELECT is(live('int', 'number', 'true'), 0::bigint, 'int keys, read by levels, where true: once more');

SELECT start('uuid', 'uuid', 'whole', 'active');
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by whole, where active: in a transaction of its own');
BEGIN;
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by whole, where active: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('uuid', 'uuid', 150, 10, 'code', 'active'), 0::bigint, 'uuid keys, read by whole, where active: rolled back');
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by whole, where active: once more');

SELECT start('uuid', 'uuid', 'levels', 'active');
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by levels, where active: in a transaction of its own');
BEGIN;
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by levels, where active: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('uuid', 'uuid', 150, 10, 'code', 'active'), 0::bigint, 'uuid keys, read by levels, where active: rolled back');
SELECT is(live('uuid', 'uuid', 'active'), 0::bigint, 'uuid keys, read by levels, where active: once more');

SELECT start('text', 'word', 'whole', 'active IS NOT FALSE');
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by whole, where active IS NOT FALSE: in a transaction of its own');
BEGIN;
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by whole, where active IS NOT FALSE: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('text', 'word', 150, 10, 'code', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by whole, where active IS NOT FALSE: rolled back');
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by whole, where active IS NOT FALSE: once more');

SELECT start('text', 'word', 'levels', 'active IS NOT FALSE');
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by levels, where active IS NOT FALSE: in a transaction of its own');
BEGIN;
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by levels, where active IS NOT FALSE: uncommitted');
ROLLBACK;
SELECT is(differences_from_roots('text', 'word', 150, 10, 'code', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by levels, where active IS NOT FALSE: rolled back');
SELECT is(live('text', 'word', 'active IS NOT FALSE'), 0::bigint, 'text keys, read by levels, where active IS NOT FALSE: once more');

SELECT * FROM finish();
