# A registration travels with its table: through pg_dump in every form into a new database, with whatever names its columns
# have by then.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $folder = PostgreSQL::Test::Utils::tempdir();

sub run {
    my ($name, @command) = @_;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    my ($out, $err);
    my $done = IPC::Run::run(\@command, '>', \$out, '2>', \$err);
    ok($done, "$name: $command[0] succeeds") or diag($err);
    return $out;
}

sub dump_text {
    my ($database, @options) = @_;
    my $text = run("$database @options", 'pg_dump', '-d', $database, @options);
    $text =~ s/^\\(un)?restrict .*\n//mg;
    return $text;
}

sub create {
    my ($database, $sql) = @_;
    $node->safe_psql('postgres', "DROP DATABASE IF EXISTS $database (FORCE)");
    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
    $node->safe_psql($database, $sql) if defined $sql;
    return $database;
}

sub load {
    my ($database, $file) = @_;
    run("$database from text", 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $file);
    return;
}

# --- What is dumped -----------------------------------------------------------------------------------------------------

create('source', q{
    CREATE EXTENSION pg_tree;

    CREATE TABLE plain (id int PRIMARY KEY, parent_id int REFERENCES plain, code text, name text);
    INSERT INTO plain SELECT i, nullif(i / 3, 0), 'c' || i, 'node ' || i FROM generate_series(1, 100) i;
    CREATE INDEX ON plain (parent_id);
    SELECT tree_register('plain'), tree_register('plain', 'backwards', order_by => 'name DESC', filter => 'id <> 4');

    CREATE SCHEMA "My Schema";
    CREATE TABLE "My Schema"."Category 'Tree'" ("Id" uuid PRIMARY KEY, "Parent ""Id""" uuid REFERENCES "My Schema"."Category 'Tree'",
        "select" varchar, "Name's" jsonb, "Order No" numeric, "Active?" bool DEFAULT true);
    INSERT INTO "My Schema"."Category 'Tree'"
    SELECT md5(i::text)::uuid, md5(nullif(i / 2, 0)::text)::uuid, 'C' || i, jsonb_build_object('de', 'Knoten ' || i), -i, i <> 5
    FROM generate_series(1, 60) i;
    SELECT tree_register('"My Schema"."Category ''Tree''"', id => 'Id', parent => 'Parent "Id"', code => 'select',
                         name => '"Name''s" ->> ''de''', order_by => '"Order No" DESC NULLS LAST, lower("select")',
                         filter => '"Active?"');
    SELECT tree_register('"My Schema"."Category ''Tree''"', '"An Other"', id => 'Id', parent => 'Parent "Id"');

    CREATE TABLE parted (id text COLLATE "C", parent_id text COLLATE "C", code text COLLATE "en-x-icu", region int, PRIMARY KEY (id, region)) PARTITION BY RANGE (region);
    CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (50);
    CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (50) TO (100) PARTITION BY LIST (region);
    CREATE TABLE parted_high_rest PARTITION OF parted_high DEFAULT;
    INSERT INTO parted SELECT 'k' || i, 'k' || nullif(i / 4, 0), chr(64 + i % 26) || i, i FROM generate_series(1, 90) i;
    SELECT tree_register('parted', id => 'id');

    CREATE VIEW glimpse AS SELECT id, parent_id, code, name FROM plain WHERE id < 50;
    SELECT tree_register('glimpse');
});

# The registrations and what they make of the data.
my @trees = (
    [ 'public.plain',                          '1' ],
    [ 'public.backwards',                      '1' ],
    [ q{"My Schema"."Category ''Tree''"},      q{md5('1')::uuid} ],
    [ q{"My Schema"."An Other"},               q{md5('1')::uuid} ],
    [ 'public.parted',                         q{'k1'} ],
    [ 'public.glimpse',                        '1' ]);

sub registry {
    my ($database, $condition, $columns) = @_;
    $condition //= 'true';
    $columns   //= '*';
    return $node->safe_psql($database, "SELECT $columns FROM tree_registry WHERE $condition ORDER BY relation::text, tree");
}

# How many of them are tracked.
sub tracked {
    my ($database) = @_;
    return $node->safe_psql($database, 'SELECT count(*) FROM tree_registry WHERE tracked');
}

# Triggers that replication and restores turn off, a partition's copies included. A view's may be.
sub not_always {
    my ($database) = @_;
    return $node->safe_psql($database, q{
        SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'pg_tree%' AND tgenabled <> 'A' ORDER BY 1, 2});
}

sub answers {
    my ($database, @which) = @_;
    @which = @trees if !@which;
    return $node->safe_psql($database, join '', map { "SELECT * FROM tree_build($_->[1], '$_->[0]'); \\echo --\n" } @which);
}

sub same_as {
    my ($source, $database, $name) = @_;
    is(registry($database), registry($source), "$name: the registrations are the same");
    is(answers($database),  answers($source),  "$name: the trees are the same");
    return;
}

is(tracked('source'), 5, 'all but the view are tracked');

# In every form.
sub travels {
    my ($source) = @_;
    my $text = "$folder/$source.sql";
    run("$source, whole", 'pg_dump', '-d', $source, '-f', $text);
    load(create('whole'), $text);
    same_as($source, 'whole', "$source, whole");
    is(dump_text('whole'), dump_text($source), "$source, whole: dumped again it is the same");

    my $custom = "$folder/$source.custom";
    run("$source, custom", 'pg_dump', '-d', $source, '-Fc', '-f', $custom);
    run("$source, custom", 'pg_restore', '--exit-on-error', '-d', create('custom'), $custom);
    same_as($source, 'custom', "$source, custom format");

    my $directory = "$folder/$source.directory";
    run("$source, directory", 'pg_dump', '-d', $source, '-Fd', '-j2', '-f', $directory);
    run("$source, directory", 'pg_restore', '--exit-on-error', '-j2', '-d', create('directory'), $directory);
    same_as($source, 'directory', "$source, directory format, two jobs");

    # The schema alone, and the data later, as other rows or with triggers disabled.
    run("$source, -s", 'pg_dump', '-d', $source, '-s', '-f', $text);
    load(create('bare'), $text);
    is(registry('bare'), registry($source), "$source, -s: the registrations are the same");
    is($node->safe_psql('bare', "SELECT count(*) FROM tree_build(1, 'plain')"), 0, "$source, -s: the tree is empty");
    run("$source, -a", 'pg_dump', '-d', $source, '-a', '--disable-triggers', '-f', $text);
    load('bare', $text);
    is(answers('bare'), answers($source), "$source, -a --disable-triggers: the trees are the same");
    # ENABLE TRIGGER ALL, which ends such a restore, takes ALWAYS away. This is told, and registering again mends it.
    is(tracked('bare'), 0, "$source, -a --disable-triggers: not tracked any more");
    my $columns = 'tree, relation, id, parent, code, name, order_by, filter, key_type';
    is(registry('bare', 'true', $columns), registry($source, 'true', $columns), "$source, -a --disable-triggers: all else is the same");
    $node->safe_psql('bare', q{
        SELECT tree_register(relation, format('%I', tree), id, parent, code, name, order_by, filter) FROM tree_registry});
    same_as($source, 'bare', "$source, mended");
    is(not_always('bare'), not_always($source), "$source, mended: in the partitions too");
    return;
}

travels('source');

# --- One table ----------------------------------------------------------------------------------------------------------

create('single', 'CREATE EXTENSION pg_tree; CREATE SCHEMA "My Schema"');
run('-t', 'pg_dump', '-d', 'source', '-t', q{"My Schema"."Category 'Tree'"}, '-f', "$folder/single.sql");
load('single', "$folder/single.sql");
my @of_table = grep { $_->[0] =~ /My Schema/ } @trees;
is(registry('single'), registry('source', q{relation::text ~ 'My Schema'}), '-t: the registrations of this table are there');
is(answers('single', @of_table), answers('source', @of_table), '-t: its trees are the same');
is(tracked('single'), 2, '-t: they are tracked');

create('single', 'CREATE EXTENSION pg_tree');
run('-t -s', 'pg_dump', '-d', 'source', '-s', '-t', 'public.plain', '-Fc', '-f', "$folder/single.custom");
run('-t -s', 'pg_restore', '--exit-on-error', '-d', 'single', "$folder/single.custom");
is(registry('single'), registry('source', q{relation::text = 'plain'}), '-t -s: the registrations of this table are there');

# -n and -T: the other tables' stay away.
create('single', 'CREATE EXTENSION pg_tree');
run('-n', 'pg_dump', '-d', 'source', '-n', '"My Schema"', '-f', "$folder/single.sql");
load('single', "$folder/single.sql");
is(registry('single'), registry('source', q{relation::text ~ 'My Schema'}), '-n: the registrations of this schema are there');

# --- After renames ------------------------------------------------------------------------------------------------------

run('template', 'createdb', '-T', 'source', 'renamed');
my $answers_before = answers('renamed');
$node->safe_psql('renamed', q{
    ALTER TABLE plain RENAME id TO key;
    ALTER TABLE plain RENAME parent_id TO "Above";
    ALTER TABLE plain RENAME code TO "from";
    ALTER TABLE plain RENAME name TO "a ""name""";
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "Id" TO plain_id;
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "Parent ""Id""" TO "it's the parent";
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "select" TO "SELECT \ ";
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "Name's" TO title;
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "Order No" TO "desc";
    ALTER TABLE "My Schema"."Category 'Tree'" RENAME "Active?" TO is_active;
    ALTER TABLE parted RENAME id TO key;
    ALTER TABLE parted RENAME parent_id TO up;
    ALTER TABLE parted RENAME code TO "Code";
    ALTER VIEW glimpse RENAME COLUMN parent_id TO above;
});
is(answers('renamed'), $answers_before, 'renamed: the trees are the same');
is(registry('renamed', 'true', 'tree, id, parent, code, name, order_by, filter'), join("\n",
    q{An Other|plain_id|it's the parent|plain_id|"SELECT \ "|plain_id|},
    q{Category 'Tree'|plain_id|it's the parent|SELECT \ |(title ->> 'de'::text)|"desc" DESC NULLS LAST, lower(("SELECT \ ")::text)|is_active},
    q{glimpse|id|above|code|name|code|},
    q{parted|key|up|Code|key|"Code"|},
    q{backwards|key|Above|from|"a ""name"""|"a ""name""" DESC|(key <> 4)},
    q{plain|key|Above|from|"a ""name"""|"from"|}), 'renamed: the registrations say the new names');
my $dump = dump_text('renamed');
my @triggers = grep { /tree_track\(/ && /Category/ } split /\n/, $dump;
is(scalar @triggers, 3, 'renamed: the dump has the triggers');    # two trees and one for TRUNCATE
unlike("@triggers", qr/Parent ""Id|Name''s|Order No|Active|'id=Id'/, 'renamed: the dump does not carry the old names');
like("@triggers", qr/'id=plain_id'.*'parent=it''s the parent'/, 'renamed: the dump carries the new names');
travels('renamed');

# --- The extension in a schema of its own ---------------------------------------------------------------------------------

create('apart', q{
    CREATE SCHEMA "Tree Functions";
    CREATE EXTENSION pg_tree SCHEMA "Tree Functions";
    CREATE TABLE plain (id int PRIMARY KEY, parent_id int, code text);
    INSERT INTO plain VALUES (1, NULL, 'a'), (2, 1, 'b');
    SELECT "Tree Functions".tree_register('plain');
});
run('apart', 'pg_dump', '-d', 'apart', '-f', "$folder/apart.sql");
load(create('restored'), "$folder/apart.sql");
is($node->safe_psql('restored', q{SELECT id FROM "Tree Functions".tree_build(1)}), 2, 'another schema: the tree is there');
is($node->safe_psql('restored', q{SELECT tracked FROM "Tree Functions".tree_registry}), 't', 'another schema: it is tracked');

# Over what is there already. (Of partitioned tables pg_restore --clean cannot drop the keys.)
run('apart', 'pg_dump', '-d', 'apart', '-Fc', '-f', "$folder/apart.custom");
run('apart, --clean', 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d', 'restored', "$folder/apart.custom");
is($node->safe_psql('restored', q{SELECT id FROM "Tree Functions".tree_build(1)}), 2, '--clean: the tree is there');
is($node->safe_psql('restored', q{SELECT tree, tracked FROM "Tree Functions".tree_registry}), 'plain|t', '--clean: it is tracked');

$node->stop;
done_testing();
