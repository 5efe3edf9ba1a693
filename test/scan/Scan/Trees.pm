package Scan::Trees;

# The trees that queries are made about, and the SQL that makes them: always the same rows.

use strict;
use warnings;

use Scan::Random;

our $schema = 'scan';
our $limited = 'scan_limited';

# key    the type of id and parent_id
# forms  the overloads of the tree_ functions by which it is asked; a form named twice is taken more often
my @trees = (
    { name => 'plain', key => 'int', forms => [qw(bigint bigint bigint text)] },
    # Cycles, orphans, rows that are their own parents, that have no key, that the filter rejects.
    { name => 'tangled', key => 'int', forms => [qw(bigint bigint text)], filter => 'active', order_by => 'weight DESC NULLS LAST, name COLLATE "C"' },
    # Keys at both ends of the range; a composite order.
    { name => 'far', key => 'bigint', forms => ['bigint'], order_by => 'weight, code DESC NULLS FIRST' },
    # Names that are stored out of line; keys that have to be quoted.
    { name => 'words', key => 'text', forms => ['text'], long => 1 },
    { name => 'uuids', key => 'uuid', forms => [qw(uuid uuid text)] },
    # Equal values that are written differently, 1.0 and 1.00, in an answer that is text.
    { name => 'spelled', key => 'numeric', forms => ['text'] },
);

sub all { return @trees; }

# --- Creating -------------------------------------------------------------------------------------------------------------

# The key of the n-th node, an SQL expression.
sub key_sql {
    my ($tree, $n) = @_;
    return {
        int     => "$n",
        bigint  => "CASE $n % 3 WHEN 0 THEN 9223372036854775807 - $n WHEN 1 THEN -9223372036854775808 + $n ELSE $n END",
        numeric => "($n || (ARRAY['', '.0', '.00'])[1 + $n % 3])::numeric",
        uuid    => "md5('u' || $n)::uuid",
        text    => "(ARRAY['a', 'B', '\x{e4}', '''', '\\', ' x', '\x{1f333}', '4'])[1 + $n % 8] || $n",
    }->{ $tree->{key} };
}

sub table_sql {
    my ($tree) = @_;
    my $table = "$schema.$tree->{name}";
    my $rows  = $tree->{rows} // 150;
    my ($key, $parent) = (key_sql($tree, 'i'), key_sql($tree, 'p'));
    # Four roots; nodes of every level, since parents are recent ones or any.
    my $parent_of = 'CASE WHEN i > 4 THEN CASE WHEN random() < 0.4 THEN greatest(1, i - 1 - floor(random() * 5)) ELSE 1 + floor(random() * (i - 1)) END END::int';
    # In a tangle parents may be any, themselves, or not there.
    $parent_of = "CASE WHEN i % 17 = 0 THEN i WHEN i % 13 = 0 THEN i + 1000 WHEN i % 19 = 0 THEN i + 1 WHEN i % 11 = 0 THEN 1 + floor(random() * $rows)
                       ELSE $parent_of END::int" if $tree->{name} eq 'tangled';
    my $name = q{CASE WHEN i % 7 > 0 THEN 'n\x{f6}de ' || i END};
    $name = q{CASE WHEN i % 10 = 0 THEN (SELECT string_agg(md5(i || '.' || j), '') FROM generate_series(1, 90 + 10 * (i % 9)) j) WHEN i % 7 > 0 THEN repeat('long ', i) END} if $tree->{long};
    $name =~ s/\\x\{f6\}/\x{f6}/;
    my @options = ("'$table'", map { "$_ => '$tree->{$_}'" } grep { $tree->{$_} } qw(filter order_by));
    my $unkeyed = '';
    if ($tree->{name} eq 'tangled') {
        $unkeyed = "INSERT INTO $table SELECT NULL, CASE WHEN i % 3 > 0 THEN i END, 'k' || i, 'without a key', i % 4 > 0, i FROM generate_series(1, 8) i;
                    UPDATE $table SET active = false WHERE id % 9 = 8;";
    }
    return qq{
        CREATE TABLE $table (id $tree->{key} UNIQUE, parent_id $tree->{key}, code text, name text, active bool NOT NULL DEFAULT true, weight int, note text);
        ALTER TABLE $table ALTER name SET STORAGE EXTERNAL;
        INSERT INTO $table (id, parent_id, code, name, active, weight)
        SELECT $key, CASE WHEN p IS NOT NULL THEN $parent END,
               CASE WHEN i % 13 > 0 THEN (ARRAY['a', 'B', '\x{e9}', 'Z', '-', '\x{4e16}'])[1 + floor(random() * 6)::int] || i % 10 END,
               $name, true, CASE WHEN i % 6 > 0 THEN i % 5 END
        FROM (SELECT i, $parent_of AS p FROM generate_series(1, $rows) i) AS n ORDER BY random();
        $unkeyed
        CREATE INDEX ON $table (parent_id);
        ALTER TABLE $table ENABLE ROW LEVEL SECURITY;
        CREATE POLICY some_rows ON $table TO $limited USING (weight IS DISTINCT FROM 3);
        GRANT ALL ON $table TO $limited;
        ANALYZE $table;
        SELECT tree_register(} . join(', ', @options) . ');';
}

my $shared_sql = qq{
    CREATE EXTENSION IF NOT EXISTS pg_tree;
    CREATE SCHEMA $schema;
    GRANT ALL ON SCHEMA $schema TO $limited;
    SET search_path = $schema, public;
    CREATE COLLATION $schema.caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

    -- Comparands that are not constants.
    CREATE FUNCTION $schema.stable(anyelement) RETURNS anyelement STABLE LANGUAGE plpgsql AS 'BEGIN RETURN \$1; END';
    CREATE FUNCTION $schema.volatile(anyelement) RETURNS anyelement VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN \$1; END';

    -- What must not see a row that a security barrier keeps away.
    CREATE FUNCTION $schema.leaky(level bigint) RETURNS bool STABLE COST 0.0001 LANGUAGE plpgsql AS \$\$
    BEGIN
        IF level = 1 THEN
            RAISE EXCEPTION 'leaked' USING ERRCODE = 'LEAK0';
        END IF;
        RETURN true;
    END \$\$;
};

# Facts about nodes: keys of each form, also null ones, ones that come twice, and ones that no tree has.
sub facts_sql {
    my %key = map { $_->{name} => key_sql($_, 'n') } @trees;
    return qq{
        CREATE TABLE $schema.fact (n int PRIMARY KEY, small int2, i int, big bigint, t text, u uuid, amount int, label text);
        INSERT INTO $schema.fact
        SELECT i, CASE WHEN i % 9 > 0 THEN n END, CASE WHEN i % 7 > 0 THEN n END,
               CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN $key{far} ELSE n END,
               CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN n::text WHEN 2 THEN $key{spelled}::text WHEN 3 THEN '0' || n ELSE $key{words} END,
               CASE WHEN i % 5 > 0 THEN $key{uuids} END, i % 6 - 1, CASE WHEN i % 4 > 0 THEN 'fact ' || i % 10 END
        FROM (SELECT i, 1 + (i * 7) % CASE WHEN i % 2 = 0 THEN 20 ELSE 170 END AS n FROM generate_series(1, 60) i) AS numbers;
        GRANT ALL ON ALL TABLES IN SCHEMA $schema TO $limited;
        ANALYZE $schema.fact;
    };
}

# Views over trees; those that begin with barrier_ let nothing through of level or distance 1.
sub views { return ('view_build', 'view_walk', 'view_rows', 'view_join', 'barrier_build', 'barrier_walk'); }

my $views_sql = qq{
    CREATE VIEW $schema.view_build AS SELECT * FROM tree_build(1, 'scan.plain');
    CREATE VIEW $schema.view_walk AS SELECT *, distance AS level FROM tree_walk(2, 'scan.plain', include_start => false) WHERE depth < 20;
    CREATE VIEW $schema.view_rows AS SELECT (node).id::bigint AS id, (node).code, (node).name, (node).parent_id::bigint AS parent_id, level, rank FROM tree_rows(NULL::scan.plain, 1);
    CREATE VIEW $schema.view_join AS SELECT t.id, t.code, f.label AS name, t.parent_id, t.level FROM tree_build(1, 'scan.plain') AS t LEFT JOIN scan.fact AS f ON f.i = t.id;
    CREATE VIEW $schema.barrier_build WITH (security_barrier) AS SELECT * FROM tree_build(1, 'scan.plain') AS t WHERE t.level <> 1;
    CREATE VIEW $schema.barrier_walk WITH (security_barrier) AS SELECT *, distance AS level FROM tree_walk(1, 'scan.plain') WHERE distance > 1;
    GRANT SELECT ON ALL TABLES IN SCHEMA $schema TO $limited;
};

# Makes everything, in a database that has none of it. The caller sees to the role.
sub create {
    my ($dbh) = @_;
    $dbh->do($_) for 'SET client_min_messages = error', 'SELECT setseed(0.5)', $shared_sql, (map { table_sql($_) } @trees), facts_sql(), $views_sql;
    for my $tree (@trees) {
        $tree->{keys} = $dbh->selectcol_arrayref("SELECT id::text FROM $schema.$tree->{name} WHERE id IS NOT NULL ORDER BY id");
    }
    return;
}

sub warm {
    my ($dbh) = @_;
    $dbh->do("SELECT tree_warm('$schema.$_->{name}')") for @trees;
    return;
}

# --- Keys -----------------------------------------------------------------------------------------------------------------

# A key in the text form of `form`, or undef for NULL. Most are a row's.
sub key {
    my ($tree, $form) = @_;
    my @keys = @{ $tree->{keys} };
    return undef if chance(4);
    # The first ones have the largest subtrees.
    my $key = $tree->{key} =~ /int/ && chance(50) ? 1 + roll(8) : $keys[rand(chance(40) ? 10 : @keys)];
    return $key if chance(85);
    return pick(qw(00000000-0000-0000-0000-000000000000 ffffffff-ffff-ffff-ffff-ffffffffffff), $key) if $form eq 'uuid' || $tree->{key} eq 'uuid';
    return pick(0, -1, 160, 1013, 2147483648, -2147483649, '9223372036854775807', '-9223372036854775808') if $form eq 'bigint';
    return pick('nobody', '', ' a', "a\x{301}") if $tree->{key} eq 'text';
    return pick("0$key", " $key", "$key ", 77777);
}

sub quoted {
    my ($text) = @_;
    return 'NULL' if !defined $text;
    $text =~ s/'/''/g;
    return "'$text'";
}

1;
