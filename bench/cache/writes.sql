-- What the triggers cost writers. Each table comes twice: registered, and a copy of it that has no trigger.

CREATE TABLE bench.writing (
  writer      text PRIMARY KEY,   -- also the end of the tables' names
  registered  bool NOT NULL
);
INSERT INTO bench.writing VALUES ('tracked', true), ('plain', false);

-- updated_tracked and updated_plain: the tree with a column that the registration does not mention, names and notes of one length, and room in each
-- page, so that updates stay in their page as they do in a table that is updated often.
CREATE FUNCTION bench.make_updated(tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  w bench.writing;
  name text;
BEGIN
  FOR w IN SELECT * FROM bench.writing LOOP
    name := 'updated_' || w.writer;
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, parent_id int, code text, name text, note text) WITH (fillfactor = 80)', name);
    EXECUTE format('INSERT INTO %I SELECT id, parent_id, code, ''node '' || 100000000 + id, ''note '' || 100000000 + id FROM %I ORDER BY id', name, tree);
    EXECUTE format('CREATE INDEX ON %I (parent_id)', name);
    IF w.registered THEN
      PERFORM tree_register(name);
    END IF;
  END LOOP;
END $$;

-- inserted_tracked and inserted_plain, empty.
CREATE FUNCTION bench.make_inserted() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  w bench.writing;
  name text;
BEGIN
  FOR w IN SELECT * FROM bench.writing LOOP
    name := 'inserted_' || w.writer;
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, parent_id int, code text, name text)', name);
    EXECUTE format('CREATE INDEX ON %I (parent_id)', name);
    IF w.registered THEN
      PERFORM tree_register(name);
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION bench.cache_state(asked_tree text) RETURNS text
LANGUAGE sql AS $$ SELECT state FROM tree_stat_cache WHERE tree = 'public.' || asked_tree $$;

-- Did the writers do what they should to the image?
CREATE FUNCTION bench.expect_state(asked_tree text, expected text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF bench.cache_state(asked_tree) IS DISTINCT FROM expected THEN
    RAISE EXCEPTION 'the image of "%" is %, not %', asked_tree, bench.cache_state(asked_tree), expected;
  END IF;
END $$;

-- Makes sure that there is an image, without which nothing is noted.
CREATE FUNCTION bench.be_watched(watched_tree text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tree_warm(watched_tree);
  PERFORM bench.expect_state(watched_tree, 'current');
END $$;

-- All rows of the tree in one statement, and its commit.
CREATE PROCEDURE bench.measure_insert(tree text, writer text)
LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
  inserted bigint;
  seconds float8;
BEGIN
  EXECUTE format('INSERT INTO %I SELECT id, parent_id, code, name FROM %I', 'inserted_' || writer, tree);
  GET DIAGNOSTICS inserted = ROW_COUNT;
  COMMIT;
  seconds := extract(epoch FROM clock_timestamp() - started);
  INSERT INTO bench.sample VALUES ('insert', 'rows', writer, 'rows a second', inserted / seconds);
  COMMIT;
END $$;

-- Looks every 50 ms what the clients of pgbench are waiting for. Everything is kept in a variable until the end, so that looking writes nothing.
CREATE PROCEDURE bench.sample_waits(clients int, seconds float8)
LANGUAGE plpgsql AS $$
DECLARE
  finish timestamptz := clock_timestamp() + seconds * interval '1 s';
  seen text[] := '{}';
BEGIN
  LOOP
    PERFORM pg_sleep(0.05);
    EXIT WHEN clock_timestamp() > finish;
    PERFORM pg_stat_clear_snapshot();
    seen := seen || ARRAY(
      SELECT coalesce(wait_event_type || ': ' || wait_event, 'none') FROM pg_stat_activity WHERE application_name = 'pgbench');
  END LOOP;
  INSERT INTO bench.wait SELECT sample_waits.clients, event, count(*) FROM unnest(seen) event GROUP BY 2;
END $$;
