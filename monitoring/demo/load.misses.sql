-- A tree that is written to: what is read until its image is current again comes from the table.
\set r random(2, 500)
SELECT count(*) FROM tree_build(1, 'team');
UPDATE team SET name = name || '.' WHERE id = :r;
SELECT count(*) FROM tree_build(1, 'team');
SELECT tree_invalidate('team');
SELECT count(*) FROM tree_build(1, 'team');
