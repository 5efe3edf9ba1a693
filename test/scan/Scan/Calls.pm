package Scan::Calls;

# Calls of tree functions, and what else can stand in FROM: a hash with
#   sql      without an alias
#   columns  [name, type] of each; the types are int, big, bool, text, uuid, keys and row
#   tree, form, function     of calls
#   order    the column that says where a row stands, of some calls

use strict;
use warnings;

use Scan::Random;
use Scan::Trees;

my %type_of_form = (bigint => 'big', text => 'text', uuid => 'uuid');

sub columns_of {
    my ($function, $form) = @_;
    my $key = $type_of_form{$form};
    my @node = (['id', $key], ['code', 'text'], ['name', 'text'], ['parent_id', $key]);
    return [@node, ['level', 'int']] if $function =~ /^tree_(build|page)$/;
    return [['node', 'row'], ['level', 'int'], ['rank', 'big']] if $function =~ /^tree_(rows|forest)$/;
    return [['line', 'text']] if $function eq 'tree_draw';
    return [@node, ['depth', 'int'], ['distance', 'int'], ['rank', 'big'], ['children', 'int'], ['descendants', 'big'],
        ['is_leaf', 'bool'], ['is_cycle', 'bool'], ['root_id', $key], ['path', 'keys']] if $function eq 'tree_walk';
    return [@node, ['depth', 'int']];
}

my @functions = qw(tree_build tree_build tree_walk tree_walk tree_walk tree_rows tree_rows tree_forest tree_page
    tree_children tree_siblings tree_ancestors tree_leaves tree_draw);

# A key as an argument. outer: expressions of rows to the left, by form.
sub key_argument {
    my ($q, $tree, $form, $outer) = @_;
    return pick(@{ $outer->{$form} }) if $outer && $outer->{$form} && chance(85);
    my $key = Scan::Trees::key($tree, $form);
    $key = $tree->{keys}[0] if defined $key && $key !~ /^-?\d+$/ && $tree->{key} eq 'int' && !chance(20);
    return $q->parameter($form, $key) if $q->takes_parameters && chance(60);
    my $literal = Scan::Trees::quoted($key) . "::$form";
    $literal = $key if $form eq 'bigint' && defined $key && length $key < 18 && $key >= 0 && chance(60);
    return $literal if chance(75);
    $q->{odd} = 1;
    return pick("scan.stable($literal)", "scan.volatile($literal)", "(SELECT $literal)", "nullif($literal, $literal)", "coalesce(NULL, $literal)",
        $form eq 'bigint' ? ('(SELECT min(i) FROM scan.fact)', '(SELECT i FROM scan.fact WHERE n = 14)', '(2 + 1)') : "(SELECT max($literal) FROM scan.fact WHERE n > 100)")
        if $form ne 'uuid';
    return pick("scan.stable($literal)", "scan.volatile($literal)", "(SELECT $literal)");
}

sub number { my ($q) = @_; return pick(0, 0, 1, 1, 2, 3, 5, -1, 'NULL', '2147483647', 'scan.stable(2)', '(SELECT 1)'); }

# options: function, not (a pattern of functions), tree (its name), form, outer
sub call {
    my ($q, %option) = @_;
    my $outer    = $option{outer};
    my @trees    = Scan::Trees::all();
    my ($tree)   = grep { $_->{name} eq ($option{tree} // '') } @trees;
    $tree //= chance(45) ? $trees[0] : pick(@trees);
    my $form     = $option{form} // pick(@{ $tree->{forms} });
    my $function = $option{function};
    while (!$function) {
        $function = pick(@functions);
        undef $function if $option{not} && $function =~ $option{not};
    }
    my $name = "'scan.$tree->{name}'";
    $name = pick("'$tree->{name}'", "'no_such_tree'", 'NULL', "concat('scan.', '$tree->{name}')", "scan.stable('scan.$tree->{name}'::text)") if chance(5);
    my @arguments;
    push @arguments, "NULL::scan.$tree->{name}" if $function =~ /^tree_(rows|forest)$/;
    push @arguments, key_argument($q, $tree, $form, $outer) if $function ne 'tree_forest';
    push @arguments, chance(60) ? 'NULL' : key_argument($q, $tree, $form) if $function eq 'tree_page';
    push @arguments, chance(50) ? $name : "tree => $name" if $function !~ /^tree_(rows|forest)$/ || chance(30);
    if ($function =~ /^tree_(build|rows|forest|draw)$/ && chance(25)) {
        push @arguments, 'max_level => ' . number($q);
    } elsif ($function eq 'tree_page' && chance(70)) {
        push @arguments, 'page_size => ' . pick(1, 3, 10, 50, 1000, 0, 'NULL');
    } elsif ($function eq 'tree_walk') {
        push @arguments, 'search => ' . pick(q{'depth'}, q{'breadth'}, q{'breadth'}, q{scan.stable('breadth'::text)}) if chance(40);
        push @arguments, q{search => 'sideways'} if @arguments == 2 && chance(1);
        push @arguments, 'include_start => ' . pick(qw(true false false NULL)) if chance(30);
        push @arguments, 'max_distance => ' . number($q) if chance(40);
    }
    my @order = $function =~ /^tree_(rows|forest|walk)$/ ? (order => 'rank') : ();
    $q->{calls}++;
    return { sql => "$function(" . join(', ', @arguments) . ')', columns => columns_of($function, $form), tree => $tree, form => $form, function => $function, @order };
}

# --- What else stands in FROM -----------------------------------------------------------------------------------------------

my @fact = (['n', 'int'], ['i', 'int'], ['big', 'big'], ['t', 'text'], ['u', 'uuid'], ['amount', 'int'], ['label', 'text']);

sub facts { return { sql => 'scan.fact', columns => [@fact] }; }

sub view {
    my ($q, $name) = @_;
    $name //= pick(Scan::Trees::views());
    my @columns = (['id', 'big'], ['code', 'text'], ['name', 'text'], ['parent_id', 'big'], ['level', 'int']);
    push @columns, ['rank', 'big'] if $name =~ /walk|rows/;
    push @columns, ['is_leaf', 'bool'], ['depth', 'int'] if $name =~ /walk/;
    $q->{calls}++;
    return { sql => "scan.$name", columns => \@columns };
}

# A call with conditions, as a subquery.
sub subquery {
    my ($q) = @_;
    my $call = call($q);
    my $where = Scan::Conditions::where($q, 's', $call->{columns});
    return { sql => "(SELECT * FROM $call->{sql} AS " . named('s', $call) . "$where)", columns => $call->{columns} };
}

sub source {
    my ($q) = @_;
    my $roll = roll(100);
    return $roll < 65 ? call($q) : $roll < 80 ? facts() : $roll < 90 ? subquery($q) : view($q);
}

# The alias, with the column's name where the function has one column only.
sub named {
    my ($alias, $source) = @_;
    return @{ $source->{columns} } == 1 ? "$alias($source->{columns}[0][0])" : $alias;
}

sub qualified {
    my ($alias, $source) = @_;
    return map { ["$alias.$_->[0]", $_->[1]] } @{ $source->{columns} };
}

1;
