-- The image itself: what it takes, and what building it costs.

CREATE PROCEDURE bench.measure_image(measured_tree text)
LANGUAGE plpgsql AS $$
DECLARE
  warmed record;
  strings bigint;
  texts bigint;
BEGIN
  FOR i IN 1..5 LOOP
    PERFORM tree_invalidate(measured_tree);
    COMMIT;
    SELECT * INTO warmed FROM tree_warm(measured_tree);
    IF warmed.build_ms = 0 THEN
      RAISE EXCEPTION 'the image of "%" was not built', measured_tree;
    END IF;
    INSERT INTO bench.sample VALUES ('image', 'build', 'warm', 'ms', warmed.build_ms);
    COMMIT;
  END LOOP;
  -- Code and name are kept as the server keeps a text: a header of one byte before up to 126, of four before more.
  EXECUTE format('SELECT sum(s.bytes), sum(s.bytes + CASE WHEN s.bytes > 126 THEN 4 ELSE 1 END)
    FROM %I, LATERAL (VALUES (octet_length(code)), (octet_length(name))) s(bytes)', measured_tree) INTO texts, strings;
  INSERT INTO bench.fact SELECT 'image', measured_tree, NULL, NULL, f.statistic, f.value::text
    FROM tree_stat_cache c, LATERAL (VALUES ('nodes', c.nodes), ('bytes', c.bytes), ('string bytes', strings), ('octets', texts),
      ('table bytes', pg_total_relation_size(measured_tree))) f(statistic, value)
    WHERE c.tree = 'public.' || measured_tree;
  COMMIT;
END $$;

-- A DO block for a session that has done nothing else: a question, and the same statement again, which is then planned.
CREATE FUNCTION bench.first_and_second(tree text, question text, asking text) RETURNS text
LANGUAGE sql AS $$
  SELECT format('DO %L', format($do$
    DECLARE
      begun timestamptz[];
    BEGIN
      begun[0] := clock_timestamp();
      FOR i IN 0..1 LOOP
        begun[i] := clock_timestamp();
        PERFORM * FROM (%s) q OFFSET 1000000000;
        begun[i + 1] := clock_timestamp();
      END LOOP;
      INSERT INTO bench.sample SELECT 'new session', %L, %L, v.statistic, extract(epoch FROM v.duration) * 1000
        FROM (VALUES ('first ms', begun[1] - begun[0]), ('second ms', begun[2] - begun[1])) v(statistic, duration);
    END $do$, bench.cached_statement(tree, question, asking), question, asking))
$$;
