-- Somebody has not heard of pg_tree yet.
WITH RECURSIVE up AS (
  SELECT id, parent_id FROM synset WHERE id = 7906718
  UNION ALL
  SELECT s.id, s.parent_id FROM synset AS s JOIN up ON s.id = up.parent_id
) SELECT count(*) FROM up;
