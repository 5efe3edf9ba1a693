-- How a question is measured: bench.measure_cached. The answers are compared first, then all contenders are timed in turns.

CREATE FUNCTION bench.use_cache(contender text) RETURNS void
LANGUAGE sql AS $$
  SELECT set_config('pg_tree.enable_cache', cache, false) FROM bench.contender c WHERE c.contender = use_cache.contender
$$;

-- A function that runs the statement so many times and returns the milliseconds of one. Its plan is made once, as for a prepared
-- statement; there are no round trips in it. OFFSET drops the rows after everything in them was computed, and costs each contender the same:
-- count(*) would spare those that can leave columns out, and keeping the rows would cost more than making them.
CREATE FUNCTION bench.make_runner(contender text, statement text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION bench.%I(repetitions int) RETURNS float8 LANGUAGE plpgsql AS %L', 'run_' || contender,
    format('
      DECLARE
        started timestamptz := clock_timestamp();
      BEGIN
        FOR i IN 1..repetitions LOOP
          PERFORM * FROM (%s) q OFFSET 1000000000;
        END LOOP;
        RETURN extract(epoch FROM clock_timestamp() - started)::float8 * 1000 / repetitions;
      END', statement));
END $$;

CREATE FUNCTION bench.run(contender text, repetitions int) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
  ms float8;
BEGIN
  EXECUTE format('SELECT bench.%I($1)', 'run_' || contender) INTO ms USING repetitions;
  RETURN ms;
END $$;

-- An answer with the places of its rows, as a table of this name.
CREATE FUNCTION bench.keep_answer(tree text, question text, contender text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.use_cache(contender);
  EXECUTE format('CREATE TEMP TABLE %I ON COMMIT DROP AS SELECT q::text AS answer, row_number() OVER () AS position FROM (%s) q',
           'answer_' || contender, bench.cached_statement(tree, question, contender));
END $$;

CREATE FUNCTION bench.compare_answers(question text, a text, b text, columns text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  differences bigint;
  example text;
BEGIN
  EXECUTE format('SELECT count(*), min(answer) FROM (
      (SELECT %3$s FROM %1$I EXCEPT ALL SELECT %3$s FROM %2$I) UNION ALL (SELECT %3$s FROM %2$I EXCEPT ALL SELECT %3$s FROM %1$I)) d',
    'answer_' || a, 'answer_' || b, columns) INTO differences, example;
  IF differences > 0 THEN
    RAISE EXCEPTION '"%": % and % differ', question, a, b
      USING DETAIL = format('%s differences in rows or their order, for example %s', differences, example);
  END IF;
END $$;

CREATE FUNCTION bench.hits(counted_tree text) RETURNS bigint
LANGUAGE sql AS $$ SELECT hits FROM tree_stat_cache WHERE tree = 'public.' || counted_tree $$;

CREATE PROCEDURE bench.measure_cached(tree text, question text)
LANGUAGE plpgsql AS $$
DECLARE
  contenders text[] := ARRAY(SELECT contender FROM bench.contender
                WHERE bench.cached_statement(tree, question, contender) IS NOT NULL ORDER BY position);
  repetitions int[];
  runs_left int[] := array_fill(1, ARRAY[cardinality(contenders)]);
  names text[] := '{}';
  times float8[] := '{}';
  c text;
  turn int;
  ms float8;
  hits_before bigint;
  warm_calls bigint := 0;
BEGIN
  -- Comparing sorts whole answers; the default of work_mem is for what is timed.
  SET LOCAL work_mem = '256MB';
  FOREACH c IN ARRAY contenders LOOP
    PERFORM bench.keep_answer(tree, question, c);
  END LOOP;
  PERFORM bench.compare_answers(question, 'warm', 'cold', 'answer, position');
  IF 'recursive' = ANY (contenders) THEN
    PERFORM bench.compare_answers(question, 'warm', 'recursive', 'answer');
  END IF;
  UPDATE bench.cached d SET answer_rows = (SELECT count(*) FROM answer_warm) WHERE d.question = measure_cached.question;
  FOREACH c IN ARRAY contenders LOOP
    PERFORM bench.make_runner(c, bench.cached_statement(tree, question, c));
  END LOOP;
  COMMIT;

  -- From here on the transaction has no id until everything is timed, like a reader's own.
  hits_before := bench.hits(tree);
  FOREACH c IN ARRAY contenders LOOP
    PERFORM bench.use_cache(c);
    ms := bench.run(c, 1);
    warm_calls := warm_calls + CASE WHEN c = 'warm' THEN 1 ELSE 0 END;
    IF ms < 100 THEN
      ms := bench.run(c, 3);
      warm_calls := warm_calls + CASE WHEN c = 'warm' THEN 3 ELSE 0 END;
    END IF;
    -- What is short is repeated for 30 ms, so that the clock's steps and the call of the runner do not show.
    repetitions := repetitions || least(10000, greatest(1, ceil(30 / ms)))::int;
  END LOOP;
  FOR round IN 1..11 LOOP
    FOR i IN 1..cardinality(contenders) LOOP
      turn := 1 + (round + i) % cardinality(contenders);
      CONTINUE WHEN runs_left[turn] = 0;
      PERFORM bench.use_cache(contenders[turn]);
      ms := bench.run(contenders[turn], repetitions[turn]);
      names := names || contenders[turn];
      times := times || ms;
      warm_calls := warm_calls + CASE WHEN contenders[turn] = 'warm' THEN repetitions[turn] ELSE 0 END;
      IF round = 1 THEN
        runs_left[turn] := CASE WHEN ms > 1000 THEN 3 WHEN ms > 100 THEN 5 ELSE 11 END;
      END IF;
      runs_left[turn] := runs_left[turn] - 1;
    END LOOP;
  END LOOP;
  PERFORM bench.use_cache('warm');
  -- Were the warm ones warm, the cold ones cold?
  IF bench.hits(tree) - hits_before IS DISTINCT FROM warm_calls THEN
    RAISE EXCEPTION '"%": % hits of % warm calls', question, bench.hits(tree) - hits_before, warm_calls
      USING DETAIL = (SELECT string_agg(reason || ' ' || count, ', ') FROM tree_stat_bypass b WHERE b.tree = 'public.' || measure_cached.tree);
  END IF;
  INSERT INTO bench.sample SELECT 'time', question, n, 'ms', t FROM unnest(names, times) u(n, t);
  RAISE INFO '  %: %', question,
    (SELECT string_agg(format('%s %s ms', s.contender, round(s.median::numeric, CASE WHEN s.median < 10 THEN 4 ELSE 0 END)), ', ' ORDER BY k.position)
    FROM (SELECT contender, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median FROM bench.sample a
       WHERE a.section = 'time' AND a.question = measure_cached.question GROUP BY 1) s JOIN bench.contender k USING (contender));
  COMMIT;
END $$;

CREATE PROCEDURE bench.measure_all_cached(tree text)
LANGUAGE plpgsql AS $$
DECLARE
  question text;
BEGIN
  FOR question IN SELECT a.question FROM bench.cached a ORDER BY position LOOP
    CALL bench.measure_cached(tree, question);
  END LOOP;
END $$;
