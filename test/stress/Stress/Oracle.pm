package Stress::Oracle;

# Comparisons: statements that give the rows on which a tree_ function and the recursive query disagree, both read in one
# statement and hence in one snapshot.
#
# Each has the columns missing, extra, example, rows, snapshot, xid.

use strict;
use warnings;
use utf8;

use Stress::Trees;

# name => sub: given what is asked, [what the recursive query says, what pg_tree says].
my %compare;

sub order { my ($q, $alias) = @_; return join ', ', map { "${alias}sort_$_" } 1 .. @{ $q->{tree}{sort} }; }
sub node_columns { my ($alias) = @_; return join ', ', map { "$alias.$_" } qw(key code name parent_key); }

$compare{build} = sub {
    my ($q) = @_;
    return ['SELECT key, code, name, parent_key, level, row_number() OVER (ORDER BY place) FROM below',
            "SELECT * FROM tree_build($q->{key}, $q->{name}, $q->{limit}) WITH ORDINALITY"];
};
$compare{rows} = sub {
    my ($q) = @_;
    return ['SELECT whole, level, row_number() OVER (ORDER BY place) FROM below',
            "SELECT node::text, level, rank FROM tree_rows(NULL::$q->{tree}{table}, $q->{key}, $q->{name}, $q->{limit})"];
};
$compare{page} = sub {
    my ($q) = @_;
    my ($after, $size) = (int rand 20, 1 + int rand 20);
    return [qq{SELECT key, code, name, parent_key, level, n FROM (SELECT *, row_number() OVER (ORDER BY place) AS n FROM below) AS b
               WHERE n > (SELECT count(*) FROM after) * $after AND n <= (SELECT count(*) FROM after) * $after + $size},
            qq{SELECT t.id, t.code, t.name, t.parent_id, t.level, t.ordinality + (SELECT count(*) FROM after) * $after
               FROM tree_page($q->{key}, (SELECT key FROM after), $q->{name}, $size) WITH ORDINALITY AS t},
            "after AS (SELECT key FROM (SELECT key, row_number() OVER (ORDER BY place) AS n FROM below) AS b WHERE n = $after)"];
};
$compare{forest} = sub {
    my ($q) = @_;
    return ["SELECT whole, depth, row_number() OVER (ORDER BY place) FROM known WHERE depth <= coalesce($q->{limit}, depth)",
            "SELECT node::text, level, rank FROM tree_forest(NULL::$q->{tree}{table}, $q->{name}, $q->{limit})"];
};
for my $search ('depth', 'breadth') {
    $compare{"walk_$search"} = sub {
        my ($q) = @_;
        my $order = $search eq 'depth' ? 'k.place' : 'k.depth, k.place';
        return [qq{SELECT @{[node_columns('k')]}, k.depth, k.depth - self.depth, row_number() OVER (ORDER BY $order), coalesce(c.n, 0)::int,
                          d.n - 1, c.n IS NULL, false, k.path[1], k.path
                   FROM self JOIN known AS k ON self.key = ANY (k.path)
                   JOIN (SELECT u.key, count(*) AS n FROM known, unnest(path) AS u (key) GROUP BY 1) AS d ON d.key = k.key
                   LEFT JOIN (SELECT parent_id, count(*) AS n FROM known GROUP BY 1) AS c ON c.parent_id = k.id},
                "SELECT * FROM tree_walk($q->{key}, $q->{name}, search => '$search')"];
    };
}
$compare{children} = sub {
    my ($q) = @_;
    return [qq{SELECT @{[node_columns('s')]},
                      CASE WHEN EXISTS (SELECT FROM $q->{tree}{table} AS p WHERE p.id = $q->{root}) THEN (SELECT depth + 1 FROM self) ELSE 0 END,
                      row_number() OVER (ORDER BY @{[order($q, 's.')]}, s.id) FROM source AS s WHERE s.parent_id = $q->{root}},
            "SELECT * FROM tree_children($q->{key}, $q->{name}) WITH ORDINALITY"];
};
$compare{siblings} = sub {
    my ($q) = @_;
    return [qq{SELECT @{[node_columns('s')]}, self.depth, row_number() OVER (ORDER BY @{[order($q, 's.')]}, s.id)
               FROM source AS s, self WHERE s.parent_id IS NOT DISTINCT FROM self.parent_id AND s.id <> self.id},
            "SELECT * FROM tree_siblings($q->{key}, $q->{name}) WITH ORDINALITY"];
};
$compare{ancestors} = sub {
    my ($q) = @_;
    return [qq{SELECT @{[node_columns('k')]}, k.depth, row_number() OVER (ORDER BY k.depth)
               FROM self, known AS k WHERE k.key = ANY (self.path) AND k.id <> self.id},
            "SELECT * FROM tree_ancestors($q->{key}, $q->{name}) WITH ORDINALITY"];
};
$compare{leaves} = sub {
    my ($q) = @_;
    return [qq{SELECT @{[node_columns('k')]}, k.depth, row_number() OVER (ORDER BY k.place) FROM self, known AS k
               WHERE self.key = ANY (k.path) AND NOT EXISTS (SELECT FROM source AS s WHERE s.parent_id = k.id)},
            "SELECT * FROM tree_leaves($q->{key}, $q->{name}) WITH ORDINALITY"];
};
$compare{json} = sub {
    my ($q) = @_;
    return [q{SELECT k.key::text, k.code, k.name, k.depth - self.depth, row_number() OVER (ORDER BY k.place)
              FROM self, known AS k WHERE self.key = ANY (k.path)},
            q{SELECT document ->> 'id', document ->> 'code', document ->> 'name', level, row_number() OVER (ORDER BY place) FROM flat},
            qq{flat AS (SELECT j AS document, 0 AS level, '{}'::bigint[] AS place FROM tree_json($q->{key}, $q->{name}) AS j WHERE j IS NOT NULL
               UNION ALL SELECT c.document, flat.level + 1, flat.place || c.n
               FROM flat, json_array_elements(flat.document -> 'children') WITH ORDINALITY AS c (document, n))}];
};
$compare{draw} = sub {
    my ($q) = @_;
    return [q{SELECT coalesce(k.name, k.key::text), row_number() OVER (ORDER BY k.place) FROM self, known AS k WHERE self.key = ANY (k.path)},
            "SELECT regexp_replace(line, '^[├└│─ ]*', ''), n FROM tree_draw($q->{key}, $q->{name}) WITH ORDINALITY AS d (line, n)"];
};

# Functions that give one value.
my %scalar = (
    path      => '(SELECT path FROM self)',
    depth     => '(SELECT depth FROM self)',
    root      => '(SELECT path[1] FROM self)',
    path_text => q{(SELECT string_agg(coalesce(k.name, k.key::text), ' > ' ORDER BY k.depth) FROM self, known AS k WHERE k.key = ANY (self.path))},
    descendant_count => 'CASE WHEN EXISTS (TABLE self) THEN (SELECT count(*) - 1 FROM self, known AS k WHERE self.key = ANY (k.path)) END',
);
for my $name (keys %scalar) {
    $compare{$name} = sub { my ($q) = @_; return ["SELECT $scalar{$name}", "SELECT tree_$name($q->{key}, $q->{name})"]; };
}
my %of_two = (
    is_ancestor => 'EXISTS (SELECT FROM self, other WHERE other.key = ANY (self.path) AND other.id <> self.id)',
    contains    => 'EXISTS (SELECT FROM self, other WHERE other.key = ANY (self.path))',
    lca         => q{(SELECT p.key FROM self, other, unnest(self.path) WITH ORDINALITY AS p (key, n)
                      WHERE p.key = ANY (other.path) ORDER BY n DESC LIMIT 1)},
);
for my $name (keys %of_two) {
    $compare{$name} = sub {
        my ($q) = @_;
        return ["SELECT $of_two{$name}", "SELECT tree_$name($q->{other_key}, $q->{key}, $q->{name})",
                "other AS (SELECT * FROM known WHERE id = $q->{other})"];
    };
}

# Those whose oracle is the contract's own query; the others look at the whole forest, which takes too long on a large tree.
my @downwards = qw(build rows page);
my %takes_level = map { $_ => 1 } qw(build rows forest);
my %takes_rows  = map { $_ => 1 } qw(rows forest);
my @functions   = sort keys %compare;

sub functions { return @functions; }

# The tables that a comparison is made of: the tree's rows, those below the root, and all that are in the tree, each with its path.
sub queries {
    my ($q, $function) = @_;
    my ($tree, $form) = @$q{qw(tree form)};
    my $table = $tree->{table};
    my $sort  = '';
    $sort .= ", $tree->{sort}[$_ - 1] AS sort_$_" for 1 .. @{ $tree->{sort} };
    my $whole = $takes_rows{$function} ? ', f::text AS whole' : '';
    my $depth_first = 'SEARCH DEPTH FIRST BY ' . order($q, '') . ', id SET place';
    my $stop = $q->{limit} eq 'NULL' ? '' : "WHERE level < $q->{limit}";
    my @queries = (qq{source AS NOT MATERIALIZED (
        SELECT id, parent_id, id::$form AS key, parent_id::$form AS parent_key, code::text AS code, ($tree->{title}) AS name$sort$whole
        FROM $table AS f WHERE $tree->{filter})});
    if (grep { $_ eq $function } @downwards) {
        return @queries, qq{below AS (
            SELECT s.*, 0 AS level FROM source AS s WHERE s.parent_id = $q->{root}
            UNION ALL
            SELECT s.*, level + 1 FROM below JOIN source AS s ON s.parent_id = below.id $stop) $depth_first};
    }
    return @queries, qq{known AS (
        SELECT s.*, 0 AS depth, ARRAY[s.key] AS path FROM source AS s
        WHERE s.parent_id IS NULL OR NOT EXISTS (SELECT FROM $table AS p WHERE p.id = s.parent_id)
        UNION ALL
        SELECT s.*, known.depth + 1, known.path || s.key FROM known JOIN source AS s ON s.parent_id = known.id) $depth_first},
        "self AS (SELECT * FROM known WHERE id = $q->{root})";
}

# A comparison of a tree; what is not given is chosen at random: function, root (a number), form (see Stress::Trees). whole: without
# a limit to the levels. before: a common table expression that comes first.
sub statement {
    my ($tree, %given) = @_;
    my @choice   = $tree->{large} ? @downwards : @functions;
    my $function = $given{function} // $choice[rand @choice];
    my $form     = $given{form}     // (rand() < 0.1 ? 'text' : $tree->{form});
    my $root     = $given{root}     // some_root($tree);
    my $other    = some_root($tree);
    my %question = (
        tree => $tree, form => $form, name => "'$tree->{table}'",
        root  => Stress::Trees::literal($tree, $root),  key       => Stress::Trees::literal($tree, $root) . "::$form",
        other => Stress::Trees::literal($tree, $other), other_key => Stress::Trees::literal($tree, $other) . "::$form",
        limit => $takes_level{$function} && !$given{whole} && rand() < 0.2 ? int rand 4 : 'NULL',
    );
    my ($oracle, $answer, @more) = @{ $compare{$function}->(\%question) };
    # A transaction that keeps its snapshot still sees a row that another has deleted since, and may add one with the same key: two rows
    # with one key are no tree, and what is said of them depends on which are read. Looked at only where there is a difference.
    my $twice = "twice AS MATERIALIZED (SELECT EXISTS (SELECT FROM $tree->{table} GROUP BY id HAVING count(*) > 1) AS keys)";
    my $queries = join ",\n", ($given{before} // ()), queries(\%question, $function), @more, "oracle AS ($oracle)", "answer AS ($answer)", $twice;
    return {
        tree   => $tree->{name}, function => $function,
        # The two halves, each by itself.
        oracle => "WITH RECURSIVE $queries TABLE oracle", answer => "WITH RECURSIVE $queries TABLE answer",
        sql    => qq{WITH RECURSIVE $queries
SELECT count(*) FILTER (WHERE side = 'missing' AND NOT (SELECT keys FROM twice)) AS missing,
       count(*) FILTER (WHERE side = 'extra' AND NOT (SELECT keys FROM twice)) AS extra,
       left(min(side || ' ' || d), 300) AS example, (SELECT count(*) FROM oracle) AS rows,
       pg_current_snapshot() AS snapshot, pg_current_xact_id_if_assigned() AS xid
FROM (SELECT 'missing' AS side, d::text AS d FROM (TABLE oracle EXCEPT ALL TABLE answer) AS d
      UNION ALL SELECT 'extra', d::text FROM (TABLE answer EXCEPT ALL TABLE oracle) AS d) AS differences}
    };
}

# The root of most rows, any key, or one that no row has.
sub some_root {
    my ($tree) = @_;
    my $dice = rand;
    return $dice < 0.3 ? $tree->{step} : $dice < 0.35 ? 0 : Stress::Trees::some_key($tree);
}

# Reads nearly all of a tree, so that an image of it is worth building.
sub whole { my ($tree, %given) = @_; return statement($tree, %given, function => 'build', root => $tree->{step}, form => $tree->{form}, whole => 1); }

# Any comparison of a tree, that of the whole more often than others.
sub any { my ($tree, %given) = @_; return rand() < 0.3 ? whole($tree, %given) : statement($tree, %given); }

1;
