-- What an application does all day: answers come from the cache.
\set r random(1, 1000)
SELECT id AS node FROM sample WHERE n = :r \gset
SELECT count(*) FROM tree_ancestors(:node, 'synset');
SELECT tree_depth(:node, 'synset'), tree_path_text(:node, 'synset'), tree_root(:node, 'synset');
SELECT count(*) FROM tree_build(:node, 'synset');
SELECT tree_descendant_count(:node, 'synset'), tree_is_ancestor(1740, :node, 'synset');
