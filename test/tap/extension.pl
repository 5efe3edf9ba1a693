# The extension in any schema; DROP EXTENSION is refused while trees are registered, and afterwards leaves no trace.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# pg_dump's text without the random key of \restrict.
sub dump_of {
    my ($database, @options) = @_;
    my ($dump, $errors);
    IPC::Run::run([ 'pg_dump', '-d', $node->connstr($database), @options ], '>', \$dump, '2>', \$errors)
      or die "pg_dump: $errors";
    $dump =~ s/^\\(un)?restrict .*\n//mg;
    return $dump;
}

# What psql's \d says of every relation outside the server's own schemas.
sub description_of {
    my ($database) = @_;
    my @relations = split /\n/, $node->safe_psql($database, q{
        SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'f') AND nspname !~ '^(pg_|information_schema)' AND relname !~ '^tree_(registry|slo|alerts|stat_)' ORDER BY 1});
    return join "\n", map { $node->safe_psql($database, "\\d+ $_") } @relations;
}

# --- Every reading function, wherever the extension is ----------------------------------------------------------------

my $tables = q{
    CREATE TABLE category (id int PRIMARY KEY, parent_id int REFERENCES category, code text, name text);
    INSERT INTO category VALUES (1, NULL, 'a', 'all'), (2, 1, 'b', 'books'), (3, 1, 'c', 'crafts'), (4, 2, 'd', 'drama'),
                                (5, 2, 'e', 'essays');
    CREATE TABLE place (id uuid PRIMARY KEY, parent_id uuid, code text, name text);
    INSERT INTO place SELECT md5(id::text)::uuid, md5(parent_id::text)::uuid, code, name FROM category;
    CREATE TABLE word (id text PRIMARY KEY, parent_id text, code text, name text);
    INSERT INTO word SELECT id::text, parent_id::text, code, name FROM category;
};

# X stands for the schema of the functions, with its dot, or for nothing.
my @questions = map {
    my ($tree, $one, $four, $five) = @$_;
    (   "SELECT * FROM Xtree_build($one, $tree)",
        "SELECT * FROM Xtree_build($one, $tree, 0)",
        "SELECT * FROM Xtree_page($one, $four, $tree, 1)",
        "SELECT * FROM Xtree_walk($one, $tree, 'breadth')",
        "SELECT * FROM Xtree_children($one, $tree)",
        "SELECT * FROM Xtree_siblings($four, $tree)",
        "SELECT * FROM Xtree_ancestors($four, $tree)",
        "SELECT * FROM Xtree_leaves($one, $tree)",
        "SELECT Xtree_path($four, $tree)",
        "SELECT Xtree_path_text($four, $tree, '/')",
        "SELECT Xtree_depth($four, $tree)",
        "SELECT Xtree_root($four, $tree)",
        "SELECT Xtree_descendant_count($one, $tree)",
        "SELECT Xtree_is_ancestor($one, $four, $tree)",
        "SELECT Xtree_contains($one, $four, $tree)",
        "SELECT Xtree_lca($four, $five, $tree)",
        "SELECT Xtree_json($one, $tree)",
        "SELECT * FROM Xtree_draw($one, $tree)")
  } (
    [ "'public.category'", '1', '4', '5' ],
    [ "'public.place'", "md5('1')::uuid", "md5('4')::uuid", "md5('5')::uuid" ],
    [ "'public.word'", "'1'", "'4'", "'5'" ],
  );
push @questions,
  "SELECT (node).*, level, rank FROM Xtree_rows(NULL::public.category, 1)",
  "SELECT (node).*, level, rank FROM Xtree_rows(NULL::public.place, md5('1')::uuid)",
  "SELECT (node).*, level, rank FROM Xtree_rows(NULL::public.word, '1')",
  "SELECT (node).*, level, rank FROM Xtree_forest(NULL::public.category)",
  "SELECT * FROM Xtree_registry ORDER BY 1";

# The answers, one after the other.
sub answers {
    my ($database, $schema, $search_path) = @_;
    my $sql = "SET search_path = $search_path;\n" . join '', map { "$_;\n\\echo --\n" } @questions;
    $sql =~ s/\bX(?=tree_)/$schema/g;
    return $node->safe_psql($database, $sql);
}

$node->safe_psql('postgres', "CREATE EXTENSION pg_tree; $tables
    SELECT tree_register('category'), tree_register('place'), tree_register('word')");
my $right = answers('postgres', '', 'public');
like($right, qr/^2\|b\|books\|1\|0\n4\|d\|drama\|2\|1\n5\|e\|essays\|2\|1\n3\|c\|crafts\|1\|0\n/, 'the answers begin as they should');

for my $schema ('x', '"X y.z"') {
    (my $database = "in_$schema") =~ s/\W/_/g;
    $node->safe_psql('postgres', "CREATE DATABASE \"$database\"");
    $node->safe_psql($database, "CREATE SCHEMA $schema");
    $node->safe_psql($database, "CREATE EXTENSION pg_tree SCHEMA $schema; $tables");
    $node->safe_psql($database, "SET search_path = ''; SELECT $schema.tree_register('public.category'), " .
        "$schema.tree_register('public.place'), $schema.tree_register('public.word')");
    is(answers($database, "$schema.", 'public'), $right, "$schema, not on the search path");
    is(answers($database, '',         "public, $schema"), $right, "$schema, on the search path");
    is($node->safe_psql($database, "SET search_path = ''; SELECT * FROM $schema.tree_build(1, 'public.category')"),
        $node->safe_psql('postgres', "SELECT * FROM tree_build(1, 'category')"), "$schema, nothing on the search path");
    is($node->safe_psql($database, "SELECT id FROM $schema.tree_build(1, 'category')"), "2\n4\n5\n3",
        "$schema, the tree by its bare name");

    # The wrapper that tree_wrapper_sql writes works where neither is on the search path.
    my $wrapper = $node->safe_psql($database, "SELECT $schema.tree_wrapper_sql('category')");
    $node->safe_psql($database, $wrapper);
    is($node->safe_psql($database, "SET search_path = ''; SELECT id, name FROM public.category_tree(2)"), "4|drama\n5|essays",
        "$schema, a wrapper");

    # Renaming a column is followed without the search path's help.
    $node->safe_psql($database, 'ALTER TABLE category RENAME parent_id TO above');
    is($node->safe_psql($database, "SELECT id FROM $schema.tree_build(1, 'category')"), "2\n4\n5\n3",
        "$schema, a column is renamed");
    is($node->safe_psql($database, "SELECT $schema.tree_unregister('category'); SELECT tree FROM $schema.tree_registry ORDER BY 1"),
        "\nplace\nword", "$schema, unregistered");
    is($node->safe_psql($database, "SELECT $schema.tree_unregister_all()"), 2, "$schema, all unregistered");
}

# --- Going without a trace --------------------------------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE trace');
$node->safe_psql('trace', $tables . q{
    CREATE SCHEMA "Other Schema";
    CREATE TABLE "Other Schema"."Mixed Case" ("Id" bigint PRIMARY KEY, "Parent" bigint REFERENCES "Other Schema"."Mixed Case", "order" int);
    CREATE TABLE parted (id int, parent_id int, code text, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE parted_north PARTITION OF parted FOR VALUES IN ('north');
    CREATE TABLE parted_south PARTITION OF parted FOR VALUES IN ('south') PARTITION BY LIST (region);
    CREATE TABLE parted_south_all PARTITION OF parted_south DEFAULT;
    CREATE VIEW books AS SELECT * FROM category WHERE id <> 3;
    CREATE FUNCTION own_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER own AFTER INSERT ON category FOR EACH ROW EXECUTE FUNCTION own_trigger();
    CREATE TRIGGER own_truncate AFTER TRUNCATE ON category EXECUTE FUNCTION own_trigger();
    CREATE FOREIGN DATA WRAPPER nothing;
    CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
    CREATE FOREIGN TABLE far (id int, parent_id int, code text) SERVER nowhere;
});
my $dump_before        = dump_of('trace');
my $description_before = description_of('trace');

my $register = q{
    CREATE EXTENSION pg_tree;
    SELECT tree_register('category'), tree_register('category', 'by_name', order_by => 'name'), tree_register('word'),
           tree_register('"Other Schema"."Mixed Case"', id => 'Id', parent => 'Parent'), tree_register('parted', id => 'id'),
           tree_register('books', filter => 'code > ''a'''), tree_register('far');
};
$node->safe_psql('trace', $register);
my $dump_with = dump_of('trace');
isnt($dump_with, $dump_before, 'pg_dump sees the registrations');

my ($status, $out, $err) = $node->psql('trace', '\set VERBOSITY verbose
DROP EXTENSION pg_tree');
isnt($status, 0, 'DROP EXTENSION is refused');
like($err, qr/2BP01: cannot drop extension pg_tree because other objects depend on it/, '... because of what depends on it');
like($err, qr/DETAIL:.*trigger pg_tree_row\w* on table word depends on function tree_track\(\)/s, '... which it names');
is(dump_of('trace'), $dump_with, 'a refused DROP EXTENSION changes nothing');

is($node->safe_psql('trace', 'SELECT tree_unregister_all()'), 7, 'tree_unregister_all says how many there were');
is($node->safe_psql('trace', 'SELECT count(*) FROM tree_registry'), 0, 'none is left');
is(description_of('trace'), $description_before, '\d+ is as before with the extension still there');
$node->safe_psql('trace', 'DROP EXTENSION pg_tree');
is(dump_of('trace'),        $dump_before,        'pg_dump is as before');
is(description_of('trace'), $description_before, '\d+ is as before');
is($node->safe_psql('trace', q{SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pg_tree%'}), 0, 'no trigger is left');
is($node->safe_psql('trace', q{SELECT count(*) FROM pg_event_trigger}), 0, 'no event trigger is left');

# One by one, and by CASCADE.
$node->safe_psql('trace', $register);
$node->safe_psql('trace', "SELECT tree_unregister(format('%s.%I', relnamespace::regnamespace, tree)) FROM tree_registry JOIN pg_class ON oid = relation");
is($node->safe_psql('trace', 'SELECT tree_unregister_all()'), 0, 'all unregistered one by one');
$node->safe_psql('trace', 'DROP EXTENSION pg_tree');
is(dump_of('trace'), $dump_before, 'pg_dump is as before once more');
$node->safe_psql('trace', "$register DROP EXTENSION pg_tree CASCADE");
is(dump_of('trace'), $dump_before, 'pg_dump is as before after CASCADE');

# In a session that goes on: the extension that is there now has other functions than the one it knew.
is($node->safe_psql('trace', qq{
    $register
    SELECT id FROM tree_build(1, 'category');
    DROP EXTENSION pg_tree CASCADE;
    CREATE EXTENSION pg_tree;
    SELECT tree_register('category', order_by => 'code DESC');
    SELECT id FROM tree_build(1, 'category');
    SELECT tree_unregister_all();
    CREATE SCHEMA elsewhere;
    DROP EXTENSION pg_tree;
    CREATE EXTENSION pg_tree SCHEMA elsewhere;
    SELECT elsewhere.tree_register('category');
    SELECT id FROM elsewhere.tree_build(1, 'category');
    DROP EXTENSION pg_tree CASCADE;
    DROP SCHEMA elsewhere}) =~ s/^.*\|.*\n//mr,
    "2\n4\n5\n3\ncategory\n3\n2\n5\n4\n1\ncategory\n2\n4\n5\n3", 'dropped and created again within a session');
($status, $out, $err) = $node->psql('trace', "SELECT tree_build(1, 'category')");
like($err, qr/function tree_build\(integer, unknown\) does not exist/, 'without the extension there is no function');
is(dump_of('trace'), $dump_before, 'pg_dump is as before at the end');

# What is rolled back was never there.
$node->safe_psql('trace', "BEGIN; $register ROLLBACK");
is(dump_of('trace'), $dump_before, 'rolled back');

$node->stop;
done_testing();
