-- All that was measured, in the order in which the report wants to meet it; psql --csv writes it to docs/benchmarks.scan.csv. The columns
-- are those of docs/benchmarks.csv, so that csv.awk reads both.
WITH line(part, a, b, section, tree, question, method, statistic, value) AS (
  SELECT 1, row_number() OVER ()::int, 0, section, tree, question, method, statistic, value
    FROM bench.fact WHERE section = 'environment'
  UNION ALL
  SELECT 2, position, v.rank, 'tree', tree, NULL, NULL, v.statistic, v.value
    FROM bench.tree, LATERAL (VALUES (1, 'title', title), (2, 'nodes', nodes::text), (3, 'height', height::text)) v(rank, statistic, value)
  UNION ALL
  SELECT 3, position, v.rank, v.section, NULL, question, NULL, v.statistic, v.value
    FROM bench.scanned, LATERAL (VALUES (1, 'question', 'part', part), (2, 'asked', 'rows', answer_rows::text)) v(rank, section, statistic, value)
  UNION ALL
  SELECT 4, d.position, c.position, 'contender', NULL, question, contender, 'plan', plan
    FROM bench.scanner c JOIN bench.scanned d USING (question)
  UNION ALL
  SELECT 5, coalesce(d.position, 1000), coalesce(c.position, 0) * 10 + v.rank, section, NULL, question, contender, v.prefix || statistic, v.value
    FROM (SELECT section, question, contender, statistic, count(*) AS runs, min(value), max(value),
          percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median
       FROM bench.sample GROUP BY 1, 2, 3, 4) s
      LEFT JOIN bench.scanned d USING (question) LEFT JOIN bench.scanner c USING (question, contender),
      LATERAL (VALUES (1, 'median ', round(median::numeric, 5)::text), (2, 'min ', round(min::numeric, 5)::text),
              (3, 'max ', round(max::numeric, 5)::text), (4, 'runs of ', runs::text)) v(rank, prefix, value)
  UNION ALL
  SELECT 6, row_number() OVER (PARTITION BY section ORDER BY ctid)::int, 0, section, tree, question, method, statistic, value
    FROM bench.fact WHERE section NOT IN ('environment', 'setup')
)
SELECT section, tree, question, method, statistic, value FROM line ORDER BY part, section, a, question, b, method, statistic;
