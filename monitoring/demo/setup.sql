-- What scripts/monitor-demo watches. The current folder holds wordnet-noun.csv.
CREATE EXTENSION pg_tree;
CREATE TABLE synset (
    id        integer PRIMARY KEY,
    parent_id integer REFERENCES synset,
    code      text,
    name      text
);
\copy synset FROM 'wordnet-noun.csv' (FORMAT csv, HEADER)
CREATE INDEX ON synset (parent_id);
CREATE TABLE team AS SELECT i AS id, i / 2 AS parent_id, 'team ' || i AS name FROM generate_series(1, 500) AS i;
UPDATE team SET parent_id = NULL WHERE parent_id = 0;
ALTER TABLE team ADD PRIMARY KEY (id), ADD FOREIGN KEY (parent_id) REFERENCES team;
CREATE INDEX ON team (parent_id);
-- Leaves, and what is above them has children: small calls of every kind.
CREATE TABLE sample AS SELECT row_number() OVER ()::int AS n, id FROM
    (SELECT coalesce(CASE WHEN i % 2 = 0 THEN parent_id END, id) AS id FROM
        (SELECT row_number() OVER (ORDER BY id) AS i, id, parent_id FROM synset) AS numbered WHERE i % 82 = 0 OR i % 82 = 41 LIMIT 1000) AS few;
ALTER TABLE sample ADD PRIMARY KEY (n);
VACUUM ANALYZE;
SELECT tree_register('synset'), tree_register('team');
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tree_depth('no number'::text, 'synset');
EXCEPTION WHEN OTHERS THEN
END
$$;
\o /dev/null
SELECT tree_warm('synset'), tree_warm('team');
