-- The benchmark's own book-keeping, apart from the trees, which lie in public under the names of bench.tree.

CREATE SCHEMA bench;

CREATE TABLE bench.tree (
  tree        text PRIMARY KEY,   -- also the name of the adjacency table: random_1m, chain_4k, wordnet
  position    int GENERATED ALWAYS AS IDENTITY,
  title       text NOT NULL,
  nodes       bigint,
  height      int,                -- depth of the deepest node; a root's is 0
  path_nodes  bigint              -- nodes on the way from the root, summed over all nodes: what a closure table stores
);

CREATE TABLE bench.question (
  question    text PRIMARY KEY,
  position    int GENERATED ALWAYS AS IDENTITY,
  kind        text NOT NULL,      -- which of a method's queries answers it
  first_row   bool NOT NULL DEFAULT false,
  title       text NOT NULL
);

INSERT INTO bench.question (question, kind, first_row, title) VALUES
  ('everything', 'descendants', false, 'everything below the root'),
  ('first row',  'descendants', true,  'the first row of everything'),
  ('tenth',      'descendants', false, 'a subtree of a tenth of the nodes'),
  ('ten nodes',  'descendants', false, 'a subtree of about ten nodes'),
  ('ancestors',  'ancestors',   false, 'the ancestors of a node at depth 30, or of a deepest one'),
  ('children',   'children',    false, 'the children of the node that has most'),
  ('path text',  'path text',   false, 'the path to that node at depth 30, as text'),
  ('depth',      'depth',       false, 'the depth of that node');

-- What a question is in one tree: about which node, and how large a subtree hangs from it.
CREATE TABLE bench.asked (
  tree        text NOT NULL REFERENCES bench.tree,
  question    text NOT NULL REFERENCES bench.question,
  node        int NOT NULL,
  subtree_rows       bigint NOT NULL,     -- without the node itself
  subtree_path_nodes bigint NOT NULL,     -- nodes on the way from it, summed over the subtree: what path arrays store
  answer_rows bigint,
  PRIMARY KEY (tree, question)
);

CREATE TABLE bench.method (
  method      text PRIMARY KEY,
  position    int GENERATED ALWAYS AS IDENTITY,
  stores      text,               -- the table that the method keeps beside the adjacency list, or instead of it
  setup       text,               -- statements that make what the method reads; {tree} stands for the tree's name
  refusal     text                -- an expression over bench.tree: why the method is not tried on a tree, else NULL
);

CREATE TABLE bench.query (
  method      text NOT NULL REFERENCES bench.method,
  kind        text NOT NULL,
  ordering    text NOT NULL CHECK (ordering IN ('pre-order', 'level', 'none')),  -- what order the answer is held to
  query       text NOT NULL,      -- {tree} and {node} are filled in
  refusal     text,               -- an expression over bench.asked
  PRIMARY KEY (method, kind)
);

CREATE TABLE bench.timing (
  tree        text NOT NULL,
  question    text NOT NULL,
  method      text NOT NULL,
  ms          float8 NOT NULL
);

-- Why a cell of the tables has no time.
CREATE TABLE bench.not_run (
  tree        text NOT NULL,
  question    text NOT NULL,
  method      text NOT NULL,
  reason      text NOT NULL
);

-- Everything else that is measured: seconds of a method's setup, bytes, transactions a second, settings.
CREATE TABLE bench.fact (
  section     text NOT NULL,
  tree        text,
  question    text,
  method      text,
  statistic   text NOT NULL,
  value       text NOT NULL
);

CREATE FUNCTION bench.fill(template text, tree text, node int DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT replace(replace(template, '{tree}', tree), '{node}', coalesce(node::text, '{node}'))
$$;

CREATE FUNCTION bench.statement(asked_method text, asked bench.asked) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT bench.fill(q.query, asked.tree, asked.node) || CASE WHEN n.first_row THEN ' LIMIT 1' ELSE '' END
  FROM bench.question n JOIN bench.query q USING (kind)
  WHERE n.question = asked.question AND q.method = asked_method
$$;
