-- How a tree is measured: bench.prepare_methods, VACUUM, bench.warm, bench.ask_everything, in this order.

-- Makes what each method stores, unless the method gives a reason why it cannot.
CREATE FUNCTION bench.prepare_methods(prepared_tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m bench.method;
  reason text;
  started timestamptz;
BEGIN
  FOR m IN SELECT * FROM bench.method ORDER BY position LOOP
    EXECUTE format('SELECT %s FROM bench.tree WHERE tree = %L', coalesce(m.refusal, 'NULL::text'), prepared_tree) INTO reason;
    IF reason IS NOT NULL THEN
      INSERT INTO bench.not_run
        SELECT prepared_tree, a.question, m.method, reason
        FROM bench.asked a JOIN bench.question n USING (question) JOIN bench.query q USING (kind)
        WHERE a.tree = prepared_tree AND q.method = m.method;
      CONTINUE;
    END IF;
    IF m.setup IS NOT NULL THEN
      started := clock_timestamp();
      EXECUTE bench.fill(m.setup, prepared_tree);
      INSERT INTO bench.fact VALUES ('setup', prepared_tree, NULL, m.method, 'seconds',
        round(extract(epoch FROM clock_timestamp() - started)::numeric, 2));
    END IF;
  END LOOP;
END $$;

-- Reads everything that the tree's questions touch into shared buffers, the adjacency list last, and notes whether all of it fits.
CREATE FUNCTION bench.warm(warmed_tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  relation regclass;
  blocks bigint := 0;
  bytes bigint;
  m bench.method;
BEGIN
  FOR relation IN
    SELECT r.oid FROM pg_class r LEFT JOIN pg_index i ON i.indexrelid = r.oid
    JOIN pg_class t ON t.oid = coalesce(i.indrelid, r.oid)
    WHERE t.relkind = 'r' AND (t.relname = warmed_tree
      OR t.relname IN (SELECT bench.fill(stores, warmed_tree) FROM bench.method WHERE stores IS NOT NULL))
    ORDER BY t.relname = warmed_tree, t.relname, r.relkind
  LOOP
    blocks := blocks + pg_prewarm(relation);
  END LOOP;
  bytes := blocks * current_setting('block_size')::bigint;
  INSERT INTO bench.fact VALUES
    ('warm', warmed_tree, NULL, NULL, 'bytes', bytes),
    ('warm', warmed_tree, NULL, NULL, 'fits', bytes < pg_size_bytes(current_setting('shared_buffers')));
  INSERT INTO bench.fact VALUES ('storage', warmed_tree, NULL, 'adjacency list', 'bytes', pg_total_relation_size(warmed_tree));
  FOR m IN SELECT * FROM bench.method WHERE to_regclass(bench.fill(stores, warmed_tree)) IS NOT NULL LOOP
    INSERT INTO bench.fact VALUES ('storage', warmed_tree, NULL, m.method, 'bytes',
      pg_total_relation_size(bench.fill(m.stores, warmed_tree)));
  END LOOP;
END $$;

-- The recursive query's answer, with the two orders that an answer may be held to.
CREATE FUNCTION bench.expect(asked bench.asked) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  rows_expected bigint;
  asked_kind text := (SELECT kind FROM bench.question WHERE question = asked.question);
BEGIN
  EXECUTE format(CASE WHEN asked_kind IN ('path text', 'depth')
    THEN 'CREATE TEMP TABLE expected AS SELECT q::text AS answer, 1::bigint AS pre_order, 1::bigint AS level_order FROM (%1$s) q'
    ELSE 'CREATE TEMP TABLE expected AS
       SELECT q::text AS answer, row_number() OVER (ORDER BY s.lft) AS pre_order,
          row_number() OVER (ORDER BY s.depth, q.code, q.id) AS level_order
       FROM (%1$s) q LEFT JOIN %2$I s ON s.id = q.id' END,
    bench.statement('recursive', asked), asked.tree || '_shape');
  SELECT count(*) INTO rows_expected FROM expected;
  IF asked_kind = 'descendants' AND rows_expected <> asked.subtree_rows THEN
    RAISE EXCEPTION 'the recursive query finds % rows below node % of "%", where % are known to be',
      rows_expected, asked.node, asked.tree, asked.subtree_rows;
  END IF;
  UPDATE bench.asked a SET answer_rows = rows_expected WHERE a.tree = asked.tree AND a.question = asked.question;
END $$;

CREATE FUNCTION bench.compare(asked bench.asked, compared_method text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  differences bigint;
  example text;
  order_column text;
BEGIN
  SELECT CASE ordering WHEN 'pre-order' THEN 'pre_order' WHEN 'level' THEN 'level_order' END INTO order_column
    FROM bench.query JOIN bench.question n USING (kind) WHERE method = compared_method AND question = asked.question;
  EXECUTE format('CREATE TEMP TABLE answer AS SELECT q::text AS answer, row_number() OVER () AS position FROM (%s) q',
         bench.statement(compared_method, asked));
  EXECUTE format('SELECT count(*), min(d.side || d.answer)
    FROM ((SELECT ''too much: '' AS side, answer, %1$s AS position FROM answer
       EXCEPT ALL SELECT ''too much: '', answer, %2$s FROM expected)
       UNION ALL
       (SELECT ''missing: '', answer, %2$s FROM expected
       EXCEPT ALL SELECT ''missing: '', answer, %1$s FROM answer)) d',
    CASE WHEN order_column IS NULL THEN '0' ELSE 'position' END, coalesce(order_column, '0')) INTO differences, example;
  DROP TABLE answer;
  IF differences > 0 THEN
    RAISE EXCEPTION 'method "%" answers the question "%" about node % of "%" differently from the recursive query',
      compared_method, asked.question, asked.node, asked.tree
      USING DETAIL = format('%s differences in rows or their order, for example %s', differences, example);
  END IF;
END $$;

-- TIMING OFF: a clock read for every row of every plan node would be a large part of what is measured.
CREATE FUNCTION bench.time_once(statement text) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, FORMAT JSON) ' || statement INTO plan;
  RETURN (plan -> 0 ->> 'Execution Time')::float8;
END $$;

-- First all answers are compared, which warms every method up, then they are timed in turns: each round begins with another
-- method, so that nobody always runs after the same one, and a disturbance of the machine hits all alike.
CREATE PROCEDURE bench.ask(asked bench.asked)
LANGUAGE plpgsql AS $$
DECLARE
  methods text[];
  runs_left int[];
  runner text;
  turn int;
  ms float8;
  failure text;
  candidate record;
BEGIN
  -- Comparing sorts and hashes whole answers; the default of work_mem is for what is timed.
  SET LOCAL work_mem = '256MB';
  DROP TABLE IF EXISTS expected;
  -- 'first row' is the query for everything with LIMIT 1, so its answer has been compared.
  IF NOT (SELECT first_row FROM bench.question WHERE question = asked.question) THEN
    PERFORM bench.expect(asked);
  END IF;
  FOR candidate IN
    SELECT m.method, q.refusal FROM bench.method m JOIN bench.query q USING (method) JOIN bench.question n USING (kind)
    WHERE n.question = asked.question ORDER BY m.position
  LOOP
    -- A question that repeats one about the same node shares its fate.
    SELECT n.reason INTO failure FROM bench.not_run n JOIN bench.asked a USING (tree, question)
      WHERE n.tree = asked.tree AND n.method = candidate.method AND (n.question = asked.question OR a.node = asked.node)
       AND (SELECT kind FROM bench.question WHERE question = n.question)
        = (SELECT kind FROM bench.question WHERE question = asked.question)
      LIMIT 1;
    IF failure IS NULL AND candidate.refusal IS NOT NULL THEN
      EXECUTE format('SELECT %s FROM bench.asked WHERE tree = %L AND question = %L', candidate.refusal, asked.tree, asked.question)
        INTO failure;
    END IF;
    IF failure IS NULL AND to_regclass('pg_temp.expected') IS NOT NULL AND candidate.method <> 'recursive' THEN
      BEGIN
        PERFORM bench.compare(asked, candidate.method);
      EXCEPTION WHEN program_limit_exceeded OR statement_too_complex THEN
        -- connectby recurses on the data. No such limit is forgiven to pg_tree.
        IF candidate.method = 'pg_tree' THEN
          RAISE;
        END IF;
        failure := SQLERRM;
      END;
    END IF;
    IF failure IS NULL THEN
      methods := methods || candidate.method;
    ELSE
      INSERT INTO bench.not_run SELECT asked.tree, asked.question, candidate.method, failure
        WHERE NOT EXISTS (SELECT FROM bench.not_run n
                 WHERE n.tree = asked.tree AND n.question = asked.question AND n.method = candidate.method);
    END IF;
  END LOOP;
  SET LOCAL work_mem TO DEFAULT;

  runs_left := array_fill(1, ARRAY[cardinality(methods)]);
  FOR round IN 1..11 LOOP
    FOR i IN 1..cardinality(methods) LOOP
      turn := 1 + (round + i) % cardinality(methods);
      runner := methods[turn];
      CONTINUE WHEN runs_left[turn] = 0;
      ms := bench.time_once(bench.statement(runner, asked));
      INSERT INTO bench.timing VALUES (asked.tree, asked.question, runner, ms);
      IF round = 1 THEN
        -- What takes long varies little, and would make the whole run take hours.
        runs_left[turn] := CASE WHEN ms > 20000 THEN 1 WHEN ms > 1000 THEN 3 WHEN ms > 100 THEN 5 ELSE 11 END;
      END IF;
      runs_left[turn] := runs_left[turn] - 1;
    END LOOP;
  END LOOP;
  RAISE INFO '  %: %', asked.question,
    (SELECT string_agg(format('%s %s ms', method, round(median::numeric, CASE WHEN median < 10 THEN 3 ELSE 0 END)), ', ')
    FROM (SELECT m.method, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) AS median
       FROM bench.timing t JOIN bench.method m USING (method)
       WHERE t.tree = asked.tree AND t.question = asked.question GROUP BY m.method ORDER BY min(m.position)) x);
END $$;

CREATE PROCEDURE bench.ask_everything(asked_tree text)
LANGUAGE plpgsql AS $$
DECLARE
  asked bench.asked;
BEGIN
  FOR asked IN SELECT a.* FROM bench.asked a JOIN bench.question n USING (question) WHERE a.tree = asked_tree ORDER BY n.position LOOP
    CALL bench.ask(asked);
    COMMIT;
  END LOOP;
END $$;
