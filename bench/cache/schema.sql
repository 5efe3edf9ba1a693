-- What is measured of the cache, beside the benchmark's own tables, whose book-keeping of trees, queries and facts serves here as well.

-- A question to the reading functions, about one node or two.
CREATE TABLE bench.cached (
  question    text PRIMARY KEY,
  position    int GENERATED ALWAYS AS IDENTITY,
  part        text NOT NULL CHECK (part IN ('rows', 'one answer')),
  kind        text NOT NULL,      -- which of bench.query
  node        int NOT NULL,
  other       int,
  answer_rows bigint
);

-- Who answers: pg_tree twice, from the image and, with pg_tree.enable_cache = off, from the table.
CREATE TABLE bench.contender (
  contender   text PRIMARY KEY,
  position    int GENERATED ALWAYS AS IDENTITY,
  method      text NOT NULL,      -- whose query it is in bench.query
  cache       text NOT NULL       -- pg_tree.enable_cache
);
INSERT INTO bench.contender (contender, method, cache) VALUES
  ('warm', 'pg_tree', 'on'), ('cold', 'pg_tree', 'off'), ('recursive', 'recursive', 'on');

-- Everything that is measured more than once; the report has medians.
CREATE TABLE bench.sample (
  section     text NOT NULL,
  question    text NOT NULL,
  contender   text NOT NULL,
  statistic   text NOT NULL,      -- also its unit
  value       float8 NOT NULL
);

-- What the clients of pgbench were waiting for whenever somebody looked.
CREATE TABLE bench.wait (
  clients     int NOT NULL,
  event       text NOT NULL,
  samples     bigint NOT NULL
);
