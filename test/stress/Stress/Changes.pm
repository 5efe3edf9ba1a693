package Stress::Changes;

# Single statements that change a tree. Keys are chosen at random, so a statement may as well change nothing, or fail.

use strict;
use warnings;

use Stress::Trees;

sub pick { return $_[rand @_]; }

sub some_code { return "'" . pick('a', 'b', 'B', 'c', 'z') . int(rand 1000) . "'"; }

# A new row's values, in the order of Stress::Trees::columns.
sub some_row {
    my ($tree) = @_;
    my $key = Stress::Trees::some_key($tree);
    return join ', ', Stress::Trees::literal($tree, $key), parent_for($tree, $key), some_code(), "'new " . int(rand 1000) . "'",
        pick('true', 'true', 'true', 'false'), int rand 4, 'NULL';
}

# Now and then a root, an orphan or a child of a sentinel, where no foreign key forbids it.
sub parent_for {
    my ($tree, $key) = @_;
    my $dice = rand;
    return "NULL::$tree->{key}" if $dice < 0.03;
    return Stress::Trees::literal($tree, $dice < 0.05 ? 0 : int rand $key) if $dice < 0.1 && !$tree->{foreign_key};
    return Stress::Trees::smaller_key($tree, $key);
}

sub update { my ($tree, $set) = @_; return "UPDATE $tree->{table} SET $set WHERE id = " . Stress::Trees::existing_key($tree); }

my %change = (
    insert => sub {
        my ($tree) = @_;
        return "INSERT INTO $tree->{table} (" . Stress::Trees::columns() . ") SELECT " . some_row($tree);
    },
    upsert => sub {
        my ($tree) = @_;
        my $rows = join ' UNION ALL ', map { 'SELECT ' . some_row($tree) } 1 .. 3;
        return "INSERT INTO $tree->{table} (" . Stress::Trees::columns() . ") SELECT DISTINCT ON (1) * FROM ($rows) AS r"
            . ' ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name';
    },
    move => sub {
        my ($tree) = @_;
        my $key = Stress::Trees::some_key($tree);
        return "UPDATE $tree->{table} SET parent_id = " . parent_for($tree, $key)
            . " WHERE id = (SELECT id FROM $tree->{table} WHERE id >= $key ORDER BY id LIMIT 1)";
    },
    delete      => sub { my ($tree) = @_; return "DELETE FROM $tree->{table} WHERE id = " . Stress::Trees::existing_key($tree); },
    update_code => sub { my ($tree) = @_; return update($tree, 'code = ' . some_code()); },
    update_name => sub { my ($tree) = @_; return update($tree, 'name = ' . pick('NULL', some_code())); },
    # What filter and order_by look at.
    update_others => sub { my ($tree) = @_; return update($tree, pick('active = NOT active', 'weight = (weight + 1) % 5')); },
    # A column that no tree looks at; tree_rows shows it all the same.
    update_untracked => sub { my ($tree) = @_; return update($tree, 'note = ' . some_code()); },
    update_many => sub {
        my ($tree) = @_;
        return "UPDATE $tree->{table} SET code = " . some_code() . " WHERE id / $tree->{step} % 20 = " . int rand 20;
    },
    merge => sub {
        my ($tree) = @_;
        my $rows = join ' UNION ALL ', map { 'SELECT ' . some_row($tree) . ', ' . pick('true', 'false') } 1 .. 3;
        my $columns = Stress::Trees::columns();
        (my $values = $columns) =~ s/(\w+)/n.$1/g;
        return qq{MERGE INTO $tree->{table} AS t USING (SELECT DISTINCT ON (1) * FROM ($rows) AS r) AS n ($columns, gone) ON t.id = n.id
            WHEN MATCHED AND n.gone THEN DELETE
            WHEN MATCHED THEN UPDATE SET parent_id = n.parent_id, code = n.code
            WHEN NOT MATCHED AND NOT n.gone THEN INSERT ($columns) VALUES ($values)};
    },
);

# What only some trees have.
my %special = (
    cascade_delete => ['kin', sub { my ($tree) = @_; return "DELETE FROM $tree->{table} WHERE id = " . Stress::Trees::existing_key($tree); }],
    # The new key lies between the old one and any child's.
    cascade_key => ['kin', sub { my ($tree) = @_; return update($tree, 'id = id + 1'); }],
    # Often from one partition into another.
    change_key => ['parts', sub { my ($tree) = @_; return update($tree, 'id = ' . Stress::Trees::some_key($tree)); }],
    # The same value, written otherwise.
    equal_value => ['spelled', sub {
        my ($tree) = @_;
        my $other_scale = 'CASE WHEN scale(%1$s) > 1 THEN trim_scale(%1$s) ELSE %1$s + 0.000 END';
        return update($tree, pick(sprintf("id = $other_scale", 'id'), sprintf("parent_id = $other_scale", 'parent_id'),
            'code = CASE WHEN code::text = upper(code::text) THEN lower(code) ELSE upper(code) END'));
    }],
);

sub names { return sort keys %change; }
sub special_names { return sort keys %special; }
sub tree_of { my ($name) = @_; return Stress::Trees::named($special{$name}[0]); }

# A statement of this name, or any that the tree allows.
sub sql {
    my ($tree, $name) = @_;
    $name //= pick(names(), grep { $special{$_}[0] eq $tree->{name} } special_names());
    return ($change{$name} // $special{$name}[1])->($tree);
}

1;
