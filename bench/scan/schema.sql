-- What is asked of the reading functions, and of whom; samples and facts go into the tables that the other benchmarks have for them.

CREATE TABLE bench.scanned (
  question      text PRIMARY KEY,
  position      int GENERATED ALWAYS AS IDENTITY,
  part          text NOT NULL,          -- of the report
  with_planning bool NOT NULL,          -- whether planning counts
  answer_rows   bigint
);

-- Who answers a question, each with a statement of its own; "pg_tree" is as it comes, with a TreeScan where it has one.
CREATE TABLE bench.scanner (
  question      text NOT NULL REFERENCES bench.scanned,
  contender     text NOT NULL,
  position      int GENERATED ALWAYS AS IDENTITY,
  statement     text NOT NULL,
  cache         text NOT NULL,          -- pg_tree.enable_cache
  scan          text NOT NULL,          -- pg_tree.enable_scan
  compared      text CHECK (compared IN ('reference', 'answer', 'answer, position')),   -- what of its answer has to be as the reference's is
  plan          text,                   -- what read the tree or the table
  PRIMARY KEY (question, contender)
);

-- Questions that pgbench asks over and over, about nodes drawn from a list.
CREATE TABLE bench.drawn (
  question      text NOT NULL,
  node          int NOT NULL,
  UNIQUE (question, node)
);

-- The setting is younger than this benchmark; without it, every call is a function scan.
CREATE FUNCTION bench.has_scan() RETURNS bool
LANGUAGE sql STABLE AS $$ SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'pg_tree.enable_scan') $$;

CREATE FUNCTION bench.use_scanner(cache text, scan text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('pg_tree.enable_cache', cache, false);
  IF bench.has_scan() THEN
    PERFORM set_config('pg_tree.enable_scan', scan, false);
  END IF;
END $$;
