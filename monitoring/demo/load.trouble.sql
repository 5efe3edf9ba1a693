-- Everything, each time from the table once the cache is off, and calls that fail.
SELECT count(*) FROM tree_build(1740, 'synset');
SELECT fails();
