-- Does the planner know how many rows a subtree has? For two hundred roots: the one of everything, the fifty largest subtrees below it, fifty
-- leaves, and the rest drawn from those between.

CREATE TABLE bench.estimate (
  root          int PRIMARY KEY,
  descendants   bigint NOT NULL,
  estimated     float8 NOT NULL
);

CREATE FUNCTION bench.estimated_rows(statement text) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement INTO plan;
  RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::float8;
END $$;

-- The planner expects at least one row of anything, and is right to say so of a leaf.
CREATE FUNCTION bench.estimate_error(e bench.estimate) RETURNS float8
LANGUAGE sql AS $$ SELECT abs(e.estimated - greatest(e.descendants, 1)) / greatest(e.descendants, 1) $$;

CREATE FUNCTION bench.measure_estimates(tree text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  chosen record;
  found bench.estimate[] := '{}';
  worst bench.estimate;
BEGIN
  -- Nothing is written before everything is planned: a reader has no transaction id.
  FOR chosen IN EXECUTE bench.fill('
    WITH s AS (SELECT id, (rgt - lft - 1) / 2 AS descendants, row_number() OVER (ORDER BY rgt - lft DESC, id) AS rank FROM {tree}_shape),
    large AS (SELECT id, descendants FROM s WHERE rank <= 51),
    leaf AS (SELECT id, descendants FROM s WHERE descendants = 0 ORDER BY hashint4(id), id LIMIT 50)
    SELECT * FROM large UNION ALL SELECT * FROM leaf
    UNION ALL (SELECT id, descendants FROM s WHERE rank > 51 AND descendants > 0 ORDER BY hashint4(id), id LIMIT 99)', tree)
  LOOP
    found := found || (chosen.id, chosen.descendants,
      bench.estimated_rows(bench.fill('SELECT * FROM tree_build({node}, ''{tree}'')', tree, chosen.id)))::bench.estimate;
  END LOOP;
  INSERT INTO bench.estimate SELECT * FROM unnest(found);
  SELECT * INTO worst FROM bench.estimate e ORDER BY bench.estimate_error(e) DESC, root LIMIT 1;
  INSERT INTO bench.fact SELECT 'estimates', NULL, NULL, NULL, f.statistic, f.value::text FROM (VALUES
    ('roots', (SELECT count(*) FROM bench.estimate)::float8),
    ('within a hundredth', (SELECT count(*) FROM bench.estimate e WHERE bench.estimate_error(e) <= 0.01)),
    ('median error', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bench.estimate_error(e)) FROM bench.estimate e)),
    ('largest error', bench.estimate_error(worst)),
    ('rows where it is largest', worst.descendants),
    ('estimate where it is largest', worst.estimated),
    ('rows of everything', (SELECT max(descendants) FROM bench.estimate)),
    ('estimate of everything', (SELECT estimated FROM bench.estimate ORDER BY descendants DESC LIMIT 1))) f(statistic, value);
END $$;
