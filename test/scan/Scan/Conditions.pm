package Scan::Conditions;

# Conditions on columns, of every kind that a scan may take over, and of kinds that it must not. Columns are [expression, type].

use strict;
use warnings;

use Scan::Calls;
use Scan::Random;
use Scan::Trees;

my %sql_type = (int => 'int', big => 'bigint', text => 'text', uuid => 'uuid');
my %turned   = ('<' => '>', '<=' => '>=', '>' => '<', '>=' => '<=', '=' => '=', '<>' => '<>');

# A value as a literal without a type, or undef.
sub value {
    my ($q, $column, $type) = @_;
    return undef if chance(4);
    if ($type eq 'int' || $type eq 'big') {
        return pick(qw(-1 0 2147483647 -2147483648)) if chance(4);
        return pick(qw(2147483648 -2147483649 9223372036854775807 -9223372036854775808)) if $type eq 'big' && chance(4);
        return $column =~ /id$/ ? Scan::Trees::key((Scan::Trees::all())[pick(0, 0, 1, 2)], 'bigint') : $column =~ /rank/ ? roll(40) : roll(6);
    }
    my @trees = Scan::Trees::all();
    return Scan::Trees::key($trees[4], 'uuid') if $type eq 'uuid';
    return Scan::Trees::key(pick(@trees), 'text') if $column =~ /id$/;
    return pick('a1', 'B2', "\x{e9}3", 'Z', "n\x{f6}de 12", 'fact 3', '', '-1');
}

# A comparand that does not depend on the row.
sub comparand {
    my ($q, $column, $type) = @_;
    my $value = value($q, $column, $type);
    return $q->parameter($sql_type{$type}, $value) if $q->takes_parameters && chance(70);
    my $literal = Scan::Trees::quoted($value);
    $literal .= "::$sql_type{$type}" if !defined $value || $type eq 'uuid' || chance(20);
    if ($type eq 'int' || $type eq 'big') {
        return 'NULL' if !defined $value && chance(50);
        $literal = $value =~ /^-/ ? "($value)" : $value if defined $value && chance(85);
        return pick('1.5', '2.0', '1e0::float8', '99999999999999999999', "'2'::float4") if chance(4);
        return "($literal)::int2" if defined $value && abs $value < 30000 && chance(10);
        return "($literal)::bigint" if chance(10);
    }
    return $literal if chance(75);
    return pick("(SELECT $literal" . ($literal =~ /::|NULL/ ? '' : "::$sql_type{$type}") . ')', map { "scan.$_($literal" . ($literal =~ /::/ ? ')' : "::$sql_type{$type})") } qw(stable volatile));
}

sub list_of_values {
    my ($q, $column, $type) = @_;
    return map { Scan::Trees::quoted(value($q, $column, $type)) } 0 .. roll(chance(10) ? 12 : 4);
}

sub comparison {
    my ($q, $column, $type, @operators) = @_;
    my $operator = pick(@operators);
    my $comparand = comparand($q, $column, $type);
    return chance(75) ? "$column $operator $comparand" : "$comparand $turned{$operator} $column";
}

sub of_column {
    my ($q, $column, $type, $others) = @_;
    my $sql_type = $sql_type{$type} // '';
    if ($type eq 'bool') {
        my $form = pick('%s', 'NOT %s', '%s = true', 'false = %s', '%s <> true', '%s IS TRUE', '%s IS NOT TRUE', '%s IS FALSE', '%s IS NOT FALSE', '%s IS UNKNOWN',
            '%s IS NOT NULL', '%s = NULL', '%s > false', '%s IN (true)', 'NOT (NOT %s)', '%s = (SELECT true)', 'coalesce(%s, false)');
        return sprintf $form, $column;
    }
    if ($type eq 'row') {
        return pick("($column).weight > 1", "($column).code >= 'a'", "($column).id IS NOT NULL", "$column IS NOT NULL", "$column IS DISTINCT FROM NULL", "($column)::text LIKE '%a%'");
    }
    return pick("cardinality($column) > 2", "$column IS NOT NULL", "$column\[1] = $column\[2]") if $type eq 'keys';
    my @same = map { $_->[0] } grep { $_->[1] eq $type && $_->[0] ne $column } @{ $others // [] };
    return "$column " . pick('=', '<', '<>', 'IS DISTINCT FROM') . ' ' . pick(@same) if @same && chance(4);
    my @operators = sort keys %turned;
    my $kind = roll(100);
    return comparison($q, $column, $type, $type =~ /int|big/ || chance(30) ? @operators : '=') if $kind < 55;
    if ($kind < 67) {
        my @values = list_of_values($q, $column, $type);
        my $list = join ', ', @values;
        my $array = chance(80) ? "ARRAY[$list]::$sql_type\[]" : chance(50) ? "'{}'::$sql_type\[]" : "NULL::$sql_type\[]";
        $array = $q->parameter("$sql_type\[]", undef, $array) if $q->takes_parameters && chance(40);
        $array = pick("scan.stable($array)", "(SELECT $array)::$sql_type\[]") if chance(15);
        return pick("$column IN ($list)", "$column = ANY ($array)", "$column = ANY ($array)", "$column NOT IN ($list)", "$column <> ALL ($array)", "$column <= ANY ($array)", "$column > ALL ($array)");
    }
    return "$column BETWEEN " . ($type eq 'text' ? 'SYMMETRIC ' : '') . comparand($q, $column, $type) . ' AND ' . comparand($q, $column, $type) if $kind < 75;
    return "$column IS " . pick('NULL', 'NOT NULL', 'NOT NULL') if $kind < 79;
    return "$column IS " . pick('', 'NOT ') . 'DISTINCT FROM ' . comparand($q, $column, $type) if $kind < 82;
    if ($type eq 'text') {
        return "$column LIKE " . pick(q{'a%'}, q{'%1'}, q{'%'}, q{'n_de%'}) if $kind < 88;
        my $value = Scan::Trees::quoted(value($q, $column, $type) // 'A1');
        return pick("$column = $value COLLATE scan.caseless", "$column < $value COLLATE \"C\"", "$column = $value COLLATE \"C\"", "$column = $value\::name",
            "$column = $value\::char(8)", "$column COLLATE scan.caseless = upper($value)", "lower($column) = $value", "length($column) > 3");
    }
    return "$column\::text LIKE '" . pick('0', 'a', 'f') . "%'" if $type eq 'uuid';
    return pick("$column + 0 = " . comparand($q, $column, $type), "$column % 2 = 1", "abs($column - 3) < 2", "scan.volatile($column) > 1", "$column\::text = '2'", "$column\::int8 = 2",
        "$column > $column - 1", "($column < 2) IS NOT TRUE", "($column = 3) = false");
}

sub condition {
    my ($q, @columns) = @_;
    my ($column) = pick(@columns);
    # What can be pushed comes more often than its share.
    my @pushable = grep { $_->[0] =~ /(level|depth|distance|rank|\bid|parent_id|is_leaf)$/ } @columns;
    $column = pick(@pushable) if @pushable && chance(75);
    return of_column($q, @$column, \@columns);
}

# One condition or several.
sub conditions {
    my ($q, @columns) = @_;
    return condition($q, @columns) if chance(50);
    my $roll = roll(100);
    return join ' AND ', map { condition($q, @columns) } 0 .. 1 + roll(3) if $roll < 60;
    return '(' . join(' OR ', map { condition($q, @columns) } 0 .. 1) . ')' if $roll < 75;
    return '(' . join(' OR ', map { condition($q, @columns) } 0 .. 1) . ') AND ' . condition($q, @columns) if $roll < 85;
    return 'NOT (' . condition($q, @columns) . ')' if $roll < 92;
    return pick('true', 'false', 'NULL::bool', 'scan.stable(true)', 'scan.volatile(true)', '(SELECT true)') . ' AND ' . condition($q, @columns);
}

sub where {
    my ($q, $alias, $columns, $percent) = @_;
    return '' if !chance($percent // 75);
    return ' WHERE ' . conditions($q, map { ["$alias.$_->[0]", $_->[1]] } @$columns);
}

1;
