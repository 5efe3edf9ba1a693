-- How a question is measured: bench.measure_scanned. Answers are compared first, then all contenders are timed in turns.

CREATE FUNCTION bench.keep_scanned_answer(kept bench.scanner) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bench.use_scanner(kept.cache, kept.scan);
  EXECUTE format('CREATE TEMP TABLE %I ON COMMIT DROP AS SELECT q::text AS answer, row_number() OVER () AS position FROM (%s) q',
           'answer_' || kept.contender, kept.statement);
END $$;

CREATE FUNCTION bench.compare_scanned(compared_question text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  reference bench.scanner;
  s bench.scanner;
BEGIN
  SELECT * INTO reference FROM bench.scanner k WHERE k.question = compared_question AND k.compared = 'reference';
  FOR s IN SELECT * FROM bench.scanner k WHERE k.question = compared_question AND k.compared <> 'reference' ORDER BY k.position LOOP
    PERFORM bench.keep_scanned_answer(reference);
    PERFORM bench.keep_scanned_answer(s);
    PERFORM bench.compare_answers(compared_question, reference.contender, s.contender, s.compared);
    EXECUTE format('DROP TABLE %I, %I', 'answer_' || reference.contender, 'answer_' || s.contender);
  END LOOP;
END $$;

CREATE FUNCTION bench.explained(statement text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, BUFFERS OFF, SUMMARY ON, FORMAT JSON) ' || statement INTO plan;
  RETURN plan -> 0;
END $$;

-- What reads: a custom scan by the name of its provider; else the function scan or the recursive query; else the first node that has no other below it.
CREATE FUNCTION bench.reader_of(plan jsonb) RETURNS text
LANGUAGE sql AS $$
  SELECT coalesce(
    (SELECT p #>> '{}' FROM jsonb_path_query(plan, 'strict $.**."Custom Plan Provider"', silent => true) p LIMIT 1),
    (SELECT p #>> '{}' FROM jsonb_path_query(plan, 'strict $.**."Node Type" ? (@ == "Function Scan" || @ == "Recursive Union")', silent => true) p LIMIT 1),
    (SELECT p #>> '{}' FROM jsonb_path_query(plan, 'strict $.** ? (exists (@."Node Type") && !exists (@."Plans"))."Node Type"', silent => true) p LIMIT 1))
$$;

-- Calls that were not answered from an image, of all trees.
CREATE FUNCTION bench.not_warm() RETURNS bigint
LANGUAGE sql AS $$ SELECT coalesce(sum(misses + bypasses), 0)::bigint FROM tree_stat_cache $$;

CREATE PROCEDURE bench.measure_scanned(asked_question text)
LANGUAGE plpgsql AS $$
DECLARE
  asked bench.scanned := (SELECT s FROM bench.scanned s WHERE s.question = asked_question);
  contenders bench.scanner[] := ARRAY(SELECT s FROM bench.scanner s WHERE s.question = asked_question ORDER BY position);
  runs_left int[] := array_fill(1, ARRAY[cardinality(contenders)]);
  readers text[] := '{}';
  names text[] := '{}';
  times float8[] := '{}';
  planning float8[] := '{}';
  c bench.scanner;
  plan jsonb;
  turn int;
  ms float8;
  first_rows bigint;
  not_warm_before bigint;
BEGIN
  -- Comparing sorts whole answers; the default of work_mem is for what is timed.
  SET LOCAL work_mem = '256MB';
  PERFORM bench.compare_scanned(asked_question);
  COMMIT;

  -- From here on the transaction has no id until everything is timed, like a reader's own.
  FOREACH c IN ARRAY contenders LOOP
    PERFORM bench.use_scanner(c.cache, c.scan);
    plan := bench.explained(c.statement);
    readers := readers || bench.reader_of(plan);
    first_rows := coalesce(first_rows, (plan -> 'Plan' ->> 'Actual Rows')::float8::bigint);
  END LOOP;
  not_warm_before := bench.not_warm();
  FOR round IN 1..51 LOOP
    FOR i IN 1..cardinality(contenders) LOOP
      turn := 1 + (round + i) % cardinality(contenders);
      CONTINUE WHEN runs_left[turn] = 0;
      c := contenders[turn];
      PERFORM bench.use_scanner(c.cache, c.scan);
      plan := bench.explained(c.statement);
      ms := (plan ->> 'Execution Time')::float8 + CASE WHEN asked.with_planning THEN (plan ->> 'Planning Time')::float8 ELSE 0 END;
      names := names || c.contender;
      times := times || ms;
      planning := planning || (plan ->> 'Planning Time')::float8;
      IF round = 1 THEN
        runs_left[turn] := CASE WHEN ms > 20000 THEN 1 WHEN ms > 1000 THEN 3 WHEN ms > 150 THEN 7 WHEN ms > 1 THEN 15 ELSE 51 END;
      END IF;
      runs_left[turn] := runs_left[turn] - 1;
    END LOOP;
  END LOOP;
  PERFORM bench.use_scanner('on', 'on');
  IF asked.part <> 'cold' AND bench.not_warm() <> not_warm_before THEN
    RAISE EXCEPTION '"%": % calls were not answered from an image', asked_question, bench.not_warm() - not_warm_before
      USING DETAIL = (SELECT string_agg(tree || ' ' || reason || ' ' || count, ', ') FROM tree_stat_bypass);
  END IF;
  INSERT INTO bench.sample SELECT 'time', asked_question, u.n, v.statistic, v.value
    FROM unnest(names, times, planning) u(n, t, p), LATERAL (VALUES ('ms', t), ('planning ms', p)) v(statistic, value);
  UPDATE bench.scanned s SET answer_rows = first_rows WHERE s.question = asked_question;
  UPDATE bench.scanner s SET plan = r.plan FROM unnest(contenders, readers) r(question, contender, position, statement, cache, scan, compared, was, plan)
    WHERE s.question = asked_question AND s.contender = r.contender;
  RAISE INFO '  %: %', asked_question,
    (SELECT string_agg(format('%s %s ms', s.contender, round(s.median::numeric, CASE WHEN s.median < 10 THEN 3 ELSE 0 END)), ', ' ORDER BY k.position)
    FROM (SELECT contender, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median FROM bench.sample a
       WHERE a.section = 'time' AND a.question = asked_question AND a.statistic = 'ms' GROUP BY 1) s
      JOIN bench.scanner k ON k.question = asked_question AND k.contender = s.contender);
  COMMIT;
END $$;

CREATE PROCEDURE bench.measure_all_scanned()
LANGUAGE plpgsql AS $$
DECLARE
  question text;
BEGIN
  FOR question IN SELECT a.question FROM bench.scanned a ORDER BY position LOOP
    CALL bench.measure_scanned(question);
  END LOOP;
END $$;
