-- All that was measured, in the order in which the report wants to meet it; psql --csv writes it to docs/benchmarks.csv.
WITH line(part, a, b, c, section, tree, question, method, statistic, value) AS (
  SELECT 1, row_number() OVER ()::int, 0, 0, section, tree, question, method, statistic, value
    FROM bench.fact WHERE section = 'environment'
  UNION ALL
  SELECT 2, position, 0, 0, 'question', NULL, question, NULL, 'title', title FROM bench.question
  UNION ALL
  SELECT 3, position, 0, 0, 'method', NULL, NULL, method, 'position', position::text FROM bench.method
  UNION ALL
  SELECT 4, position, v.rank, 0, 'tree', tree, NULL, NULL, v.statistic, v.value
    FROM bench.tree, LATERAL (VALUES (1, 'title', title), (2, 'nodes', nodes::text), (3, 'height', height::text),
                    (4, 'path nodes', path_nodes::text)) v(rank, statistic, value)
  UNION ALL
  SELECT 5, t.position, q.position, v.rank, 'asked', tree, question, NULL, v.statistic, v.value
    FROM bench.asked a JOIN bench.tree t USING (tree) JOIN bench.question q USING (question),
      LATERAL (VALUES (1, 'node', a.node::text), (2, 'rows', coalesce(a.answer_rows, 1)::text)) v(rank, statistic, value)
  UNION ALL
  SELECT 6, t.position, q.position, m.position * 10 + v.rank, 'time', tree, question, method, v.statistic, v.value
    FROM (SELECT tree, question, method, count(*) AS runs, min(ms), max(ms),
          percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median
       FROM bench.timing GROUP BY 1, 2, 3) s
      JOIN bench.tree t USING (tree) JOIN bench.question q USING (question) JOIN bench.method m USING (method),
      LATERAL (VALUES (1, 'median ms', round(median::numeric, 3)::text), (2, 'min ms', round(min::numeric, 3)::text),
              (3, 'max ms', round(max::numeric, 3)::text), (4, 'runs', runs::text)) v(rank, statistic, value)
  UNION ALL
  SELECT 7, t.position, q.position, m.position, 'not run', tree, question, method, 'reason', reason
    FROM bench.not_run JOIN bench.tree t USING (tree) JOIN bench.question q USING (question) JOIN bench.method m USING (method)
  UNION ALL
  SELECT 8, t.position, coalesce(q.position, 0), coalesce(m.position, 0), section, f.tree, f.question, f.method, statistic, value
    FROM bench.fact f JOIN bench.tree t USING (tree) LEFT JOIN bench.question q USING (question)
      LEFT JOIN bench.method m USING (method)
)
SELECT section, tree, question, method, statistic, value FROM line ORDER BY part, a, b, c, section, statistic;
