package Scan::Queries;

# Random statements around tree functions. make() gives a hash with
#   steps     statements, run one after the other in one transaction
#   ordered   the rows come in an order that both settings must keep; otherwise they are compared as multisets
#   plan      the statement whose plan is looked at, if any
#   never     no TreeScan may be in that plan
#   hold      the transaction is committed after the first two steps
#   kind      its name

use strict;
use warnings;

use Scan::Calls;
use Scan::Conditions;
use Scan::Random;
use Scan::Trees;

# --- Parameters -----------------------------------------------------------------------------------------------------------

sub takes_parameters { my ($q) = @_; return $q->{parameters} && @{ $q->{parameters} } < 12; }

# Gives $n. literal: the value in SQL, where it is no plain one.
sub parameter {
    my ($q, $type, $value, $literal) = @_;
    push @{ $q->{parameters} }, { type => $type, literal => $literal // Scan::Trees::quoted($value) };
    return '$' . @{ $q->{parameters} };
}

sub parameter_types {
    my ($q) = @_;
    return @{ $q->{parameters} } ? '(' . join(', ', map { $_->{type} } @{ $q->{parameters} }) . ')' : '';
}

# The values that were chosen with the query, or others.
sub parameter_values {
    my ($q, $others) = @_;
    return '' if !@{ $q->{parameters} };
    return '(' . join(', ', map {
        my $type = $_->{type};
        my $literal = $_->{literal};
        $literal = chance(10) ? 'NULL' : Scan::Trees::quoted(Scan::Conditions::value($q, chance(50) ? 'id' : 'level', $type eq 'bigint' ? 'big' : $type)) if $others && $type !~ /\[/ && chance(60);
        $literal;
    } @{ $q->{parameters} }) . ')';
}

# --- Parts ----------------------------------------------------------------------------------------------------------------

# What is selected of columns.
sub targets {
    my ($q, @columns) = @_;
    my @few = chance(30) ? @columns : some(@columns);
    @few = @few[0 .. 5] if @few > 6 && chance(50);
    return map { my ($column, $type) = @$_;
        chance(88) ? $column : $type =~ /int|big/ ? pick("$column + 1", "-$column", "$column\::text", "$column % 3", "scan.volatile($column)")
            : $type eq 'text' ? pick("upper($column)", "length($column)", "coalesce($column, '?')", "$column || '!'") : $type eq 'row' ? "($column).id" : "$column\::text" } @few;
}

# Of one call alone, which comes in tree order.
sub lone {
    my ($q, %option) = @_;
    my $call = $option{call} // Scan::Calls::call($q, %option);
    my $where = Scan::Conditions::where($q, 't', $call->{columns}, $option{where});
    my @targets = targets($q, Scan::Calls::qualified('t', $call));
    my $alias = Scan::Calls::named('t', $call);
    return { sql => 'SELECT ' . join(', ', @targets) . " FROM $call->{sql} AS $alias$where", targets => scalar @targets,
        call => $call, where => $where, from => "$call->{sql} AS $alias" };
}

# By everything that is selected, so that only equal rows are in no order.
sub order_by {
    my ($number) = @_;
    return ' ORDER BY ' . join ', ', map { $_ . pick('', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST') } shuffled(1 .. $number);
}

sub limit { return pick('', ' LIMIT ' . roll(12), ' LIMIT 1', ' LIMIT NULL', ' LIMIT ' . roll(5) . ' OFFSET ' . roll(20), ' OFFSET ' . roll(40), ' FETCH FIRST 3 ROWS ONLY', ' LIMIT (SELECT 3)', ' LIMIT 0'); }

# Columns of the left and of the right that can be compared.
sub pairs {
    my ($left, $right) = @_;
    my @pairs;
    for my $l (@$left) {
        for my $r (@$right) {
            next if $l->[1] =~ /row|keys|bool/ || $r->[1] =~ /row|keys|bool/;
            my $same = $l->[1] eq $r->[1] || "$l->[1]$r->[1]" =~ /^(intbig|bigint)$/;
            push @pairs, [$l->[0], $r->[0]] if $same && !($l->[0] =~ /id$|\.(i|big|t|u)$/ xor $r->[0] =~ /id$|\.(i|big|t|u)$/);
        }
    }
    # Those of keys come more often: there are fewer rows of one key than of one level.
    my @keys = grep { $_->[0] =~ /\.(id|big|i|t|u)$/ } @pairs;
    return @keys && chance(85) ? @keys : @pairs;
}

sub join_condition {
    my ($q, $left, $right) = @_;
    my @pairs = pairs($left, $right);
    if (!@pairs) {
        $q->{product} = 1;
        return 'true';
    }
    my @parts = map { join chance(95) ? ' = ' : ' >= ', shuffled(@$_) } pick(@pairs);
    push @parts, join ' = ', @{ pick(@pairs) } if chance(10);
    push @parts, Scan::Conditions::condition($q, chance(70) ? @$right : @$left) if chance(35);
    return join ' AND ', @parts;
}

# FROM with two or three sources. Gives the text and the columns.
sub joined {
    my ($q, $number) = @_;
    my ($from, @columns) = ('');
    for my $i (0 .. $number - 1) {
        my $alias = chr(97 + $i);
        my $source = $i == 0 ? Scan::Calls::call($q, not => qr/draw/) : Scan::Calls::source($q);
        my @right = Scan::Calls::qualified($alias, $source);
        my $item = "$source->{sql} AS " . Scan::Calls::named($alias, $source);
        if ($i == 0) {
            $from = $item;
        } else {
            my $type = pick('JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN');
            my $condition = join_condition($q, \@columns, \@right);
            $from = chance(15) ? "$item $type $from ON $condition" : "$from $type $item ON $condition";
        }
        push @columns, @right;
    }
    return ($from, @columns);
}

# Expressions of an outer row's columns, by the form of key that they fit.
sub outer_keys {
    my @columns = @_;
    my %keys;
    for my $column (grep { $_->[0] =~ /id$|\.(i|big|t|u)$/ } @columns) {
        my ($expression, $type) = @$column;
        push @{ $keys{bigint} }, $expression if $type =~ /int|big/;
        push @{ $keys{uuid} }, $expression if $type eq 'uuid';
        push @{ $keys{text} }, $type eq 'text' ? $expression : "$expression\::text";
    }
    return \%keys;
}

# An outer source, and a call whose key is of its row.
sub dependent {
    my ($q) = @_;
    my $outer = chance(60) ? Scan::Calls::facts() : Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my @columns = Scan::Calls::qualified('o', $outer);
    my $tree = $outer->{tree} && chance(80) ? $outer->{tree} : pick(Scan::Trees::all());
    my $form = pick(@{ $tree->{forms} });
    $form = $outer->{form} if $outer->{form} && $tree == $outer->{tree};
    # Whatever text a row holds is not a number; such an error would end nearly everything.
    my $keys = outer_keys(@columns);
    $keys->{text} = [grep { $_ !~ /\.t$/ } @{ $keys->{text} }] if $tree->{key} ne 'text';
    my @fitting = @{ $keys->{text} };
    @fitting = grep { /\.u|id::/ } @fitting if $tree->{key} eq 'uuid';
    @fitting = grep { !/\.u::/ } @fitting if $tree->{key} ne 'text' && $tree->{key} ne 'uuid';
    @fitting = grep { !/\.big::/ } @fitting if $tree->{key} eq 'int';
    $keys->{text} = \@fitting;
    delete $keys->{text} if !@fitting;
    my $inner = Scan::Calls::call($q, tree => $tree->{name}, form => $form, outer => $keys, not => qr/forest/);
    return ($outer, \@columns, $inner);
}

# Conditions on the call's columns, some with the outer row's.
sub dependent_conditions {
    my ($q, $outer, $inner) = @_;
    my @parts;
    push @parts, Scan::Conditions::conditions($q, @$inner) if chance(50);
    if (my @pairs = grep { chance(60) } pairs($outer, $inner)) {
        my ($o, $i) = @{ pick(@pairs) };
        push @parts, "$i " . pick('=', '=', '<', '>=') . " $o";
    }
    push @parts, 't.' . pick(map { s/^t\.//r } map { $_->[0] } grep { $_->[0] =~ /level|depth|distance|rank/ } @$inner) . ' ' . pick('<', '<=', '=', '>') . ' o.amount'
        if chance(40) && (grep { $_->[0] eq 'o.amount' } @$outer) && (grep { $_->[0] =~ /level|depth|distance|rank/ } @$inner);
    return @parts ? join ' AND ', @parts : 'true';
}

# --- Queries: each gives sql, and ordered ----------------------------------------------------------------------------------

sub plain_query { my ($q) = @_; my $lone = lone($q); return { sql => $lone->{sql} . (chance(25) ? limit() : ''), ordered => 1 }; }

sub whole_row_query {
    my ($q) = @_;
    my $call = Scan::Calls::call($q);
    my @names = map { $_->[0] } @{ $call->{columns} };
    if (@names > 1 && chance(30)) {
        # Other names, for the first columns or for all.
        my @others = map { "c$_" } 1 .. 1 + roll(scalar @names);
        my @columns = map { [$_ < @others ? $others[$_] : $names[$_], $call->{columns}[$_][1]] } 0 .. $#names;
        my $where = Scan::Conditions::where($q, 't', \@columns);
        return { sql => 'SELECT ' . pick('*', 't', 't.c1') . " FROM $call->{sql} AS t(" . join(', ', @others) . ")$where", ordered => 1 };
    }
    my $where = Scan::Conditions::where($q, 't', $call->{columns});
    my $what = pick('t', 't', 't.*', '*', 'row_to_json(t)', "t, t.$names[0]", "(t).$names[-1]", 't::text', 't IS NULL', 'to_jsonb(t)', 'ROW(t.*)', '1', '', chance(10) ? ('t.ctid', 't.tableoid') : (), 'length(t::text)');
    $what = $what =~ /^t$|json|ROW/ ? "$what AS a" : $what;
    $what = '(t.node).*' if $names[0] eq 'node' && chance(40);
    return { sql => "SELECT $what FROM $call->{sql} AS " . Scan::Calls::named('t', $call) . $where, ordered => 1 };
}

sub counting_query {
    my ($q) = @_;
    my $lone = lone($q);
    my @columns = map { $_->[0] } Scan::Calls::qualified('t', $lone->{call});
    my @numbers = map { $_->[0] } grep { $_->[1] =~ /int|big/ } Scan::Calls::qualified('t', $lone->{call});
    my $first = $columns[0];
    my $from = "$lone->{from}$lone->{where}";
    # An aggregate of a lone call sees the rows in tree order.
    return { sql => "SELECT array_agg($first) FROM $from", ordered => 1 } if chance(15);
    return { sql => "SELECT string_agg($first\::text, ',' ORDER BY $first\::text COLLATE \"C\") FROM $from" } if chance(10);
    return { sql => 'SELECT ' . pick('count(*)', "count(DISTINCT $first)", "count($first)", "count(*) FILTER (WHERE $first IS NULL)") . " FROM $from" } if !@numbers || chance(30);
    my $number = pick(@numbers);
    return { sql => "SELECT min($number), max($number), sum($number) FROM $from" } if chance(30);
    my $group = pick(@columns, @numbers);
    my $having = chance(30) ? ' HAVING count(*) > 1' : '';
    my $sets = chance(20) ? "GROUPING SETS (($group), ())" : chance(30) ? "ROLLUP ($group)" : $group;
    return { sql => "SELECT $group, count(*), sum($number) FROM $from GROUP BY $sets$having" };
}

sub join_query {
    my ($q) = @_;
    my ($from, @columns) = joined($q, chance(70) ? 2 : 3);
    my $where = chance(60) ? ' WHERE ' . Scan::Conditions::conditions($q, @columns) : '';
    return { sql => 'SELECT count(*)' . " FROM $from$where" } if $q->{product} || chance(15);
    my @targets = chance(10) ? ('a', 'b') : targets($q, grep { $_->[1] ne 'row' } @columns);
    return { sql => 'SELECT ' . join(', ', @targets) . " FROM $from$where" . (chance(20) ? order_by(scalar @targets) . limit() : '') };
}

sub semi_join_query {
    my ($q) = @_;
    my $outer = chance(50) ? Scan::Calls::facts() : Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my $inner = Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my @outer = Scan::Calls::qualified('o', $outer);
    my @inner = Scan::Calls::qualified('t', $inner);
    my @pairs = pairs(\@outer, \@inner) or return plain_query($q);
    my ($o, $i) = @{ pick(@pairs) };
    my $condition = Scan::Conditions::conditions($q, @inner);
    my $test = pick("EXISTS (SELECT FROM $inner->{sql} AS t WHERE $i = $o AND $condition)", "NOT EXISTS (SELECT FROM $inner->{sql} AS t WHERE $i = $o AND $condition)",
        "$o IN (SELECT $i FROM $inner->{sql} AS t WHERE $condition)", "$o NOT IN (SELECT $i FROM $inner->{sql} AS t WHERE $condition)",
        "$o = ANY (ARRAY(SELECT $i FROM $inner->{sql} AS t WHERE $condition))", "$o < ALL (SELECT $i FROM $inner->{sql} AS t WHERE $condition)");
    my $more = chance(40) ? ' AND ' . Scan::Conditions::conditions($q, @outer) : '';
    return { sql => 'SELECT ' . join(', ', targets($q, @outer)) . " FROM $outer->{sql} AS o WHERE $test$more" };
}

# Which nodes a query is about comes from a query.
sub subquery_query {
    my ($q) = @_;
    my $lone = lone($q, where => 30);
    my $call = $lone->{call};
    my @pushable = grep { $_->[0] =~ /^(id|parent_id|level|depth|distance|rank)$/ } @{ $call->{columns} } or return plain_query($q);
    my ($column, $type) = @{ pick(@pushable) };
    my $source = $type eq 'uuid' ? 'u' : $type eq 'text' ? 't' : $type eq 'int' ? 'amount' : 'big';
    my $inner = Scan::Calls::call($q, tree => $call->{tree}{name}, form => $call->{form}, function => 'tree_children');
    my $test = $column =~ /id$/ ? pick("IN (SELECT $source FROM scan.fact WHERE n < 20)", "= (SELECT $source FROM scan.fact WHERE n = " . (1 + roll(30)) . ')',
            "= ANY (ARRAY(SELECT x.id FROM $inner->{sql} AS x))", "= ANY ((SELECT array_agg($source) FROM scan.fact)::" . {qw(u uuid t text big bigint amount int)}->{$source} . "[])", "IN (SELECT x.id FROM $inner->{sql} AS x)", "= (SELECT max(id) FROM $inner->{sql} AS x)")
        : pick(map { "$_ (SELECT amount FROM scan.fact WHERE n = " . (1 + roll(30)) . ')' } '=', '<', '>=');
    $test = 'IS NOT NULL' if $test =~ /max/ && $type eq 'uuid';
    return { sql => $lone->{sql} . ($lone->{where} ? ' AND' : ' WHERE') . " t.$column $test" };
}

sub lateral_query {
    my ($q) = @_;
    my ($outer, $columns, $inner) = dependent($q);
    my @inner = Scan::Calls::qualified('t', $inner);
    my $item = "$inner->{sql} AS " . Scan::Calls::named('t', $inner);
    my $condition = dependent_conditions($q, $columns, \@inner);
    my $where = chance(40) ? Scan::Conditions::conditions($q, @$columns) : 'true';
    my @targets = targets($q, @$columns[0, 1], grep { $_->[1] ne 'row' } @inner);
    my $from = chance(30) ? "$outer->{sql} AS o, $item WHERE $condition AND $where"
        : chance(25) ? "$outer->{sql} AS o, LATERAL (SELECT * FROM $item WHERE $condition" . ($inner->{order} ? " ORDER BY t.rank LIMIT 3" : '') . ") AS t WHERE $where"
        : "$outer->{sql} AS o " . pick('JOIN', 'LEFT JOIN') . " LATERAL $item ON $condition WHERE $where";
    return { sql => 'SELECT ' . (chance(30) ? 'count(*)' : join ', ', @targets) . " FROM $from" };
}

sub correlated_query {
    my ($q) = @_;
    my ($outer, $columns, $inner) = dependent($q);
    my @inner = Scan::Calls::qualified('t', $inner);
    my $from = "FROM $inner->{sql} AS " . Scan::Calls::named('t', $inner) . ' WHERE ' . dependent_conditions($q, $columns, \@inner);
    my $first = $columns->[0][0];
    my @numbers = map { $_->[0] } grep { $_->[1] =~ /int|big/ } @inner;
    return { sql => "SELECT $first, (SELECT count(*) $from) FROM $outer->{sql} AS o" } if chance(40) || !@numbers;
    return { sql => "SELECT $first FROM $outer->{sql} AS o WHERE " . pick('', 'NOT ') . "EXISTS (SELECT $from)" } if chance(50);
    return { sql => "SELECT $first, ARRAY(SELECT $numbers[0] $from) FROM $outer->{sql} AS o WHERE $first IS NOT NULL" } if chance(40);
    return { sql => "SELECT $first, (SELECT $inner[0][0] $from LIMIT 1) IS NULL FROM $outer->{sql} AS o" } if chance(30);
    return { sql => "SELECT $first FROM $outer->{sql} AS o WHERE 1 < (SELECT max($numbers[-1]) $from)" };
}

sub set_query {
    my ($q) = @_;
    my @sides = map {
        my $lone = lone($q);
        "SELECT $lone->{call}{columns}[0][0]::text FROM $lone->{from}$lone->{where}";
    } 0 .. (chance(80) ? 1 : 2);
    my $sql = shift @sides;
    $sql = "($sql)" . pick(' UNION ALL ', ' UNION ALL ', ' UNION ', ' INTERSECT ', ' INTERSECT ALL ', ' EXCEPT ', ' EXCEPT ALL ') . "($_)" for @sides;
    return { sql => $sql . (chance(30) ? ' ORDER BY 1' : '') };
}

sub window_query {
    my ($q) = @_;
    my $call = Scan::Calls::call($q, not => qr/draw/);
    my ($first) = map { $_->[0] } grep { $_->[1] ne 'row' } @{ $call->{columns} };
    my $level = (map { $_->[0] } grep { $_->[0] =~ /level|depth/ } @{ $call->{columns} })[0];
    my $where = Scan::Conditions::where($q, 't', $call->{columns});
    my $window = $call->{order} ? pick('row_number() OVER (ORDER BY t.rank)', "lag(t.$level) OVER (ORDER BY t.rank)", "sum(t.$level) OVER (ORDER BY t.rank ROWS 2 PRECEDING)",
            "first_value(t.rank) OVER (PARTITION BY t.$level ORDER BY t.rank DESC)", "row_number() OVER (ORDER BY t.rank DESC)")
        : pick("rank() OVER (ORDER BY t.$level)", "count(*) OVER (PARTITION BY t.$level)", "dense_rank() OVER (ORDER BY t.$level DESC)");
    my $sql = "SELECT t.$first, $window AS w FROM $call->{sql} AS t$where";
    return { sql => chance(25) ? "SELECT * FROM ($sql) AS s WHERE w < 4" : $sql };
}

sub distinct_query {
    my ($q) = @_;
    my $call = Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my $where = Scan::Conditions::where($q, 't', $call->{columns});
    my @targets = some(map { "t.$_->[0]" } @{ $call->{columns} });
    return { sql => 'SELECT DISTINCT ' . join(', ', @targets) . " FROM $call->{sql} AS t$where" } if chance(60);
    return { sql => "SELECT DISTINCT ON (t.$call->{columns}[-1][0]) * FROM $call->{sql} AS t$where ORDER BY t.$call->{columns}[-1][0], " . join(', ', 1 .. @{ $call->{columns} }), ordered => 1 };
}

sub order_query {
    my ($q) = @_;
    my $call = Scan::Calls::call($q, not => qr/draw/, chance(50) ? (function => pick(qw(tree_walk tree_rows tree_forest))) : ());
    my $lone = lone($q, call => $call);
    if ($call->{order} && chance(60)) {
        return { sql => "$lone->{sql} ORDER BY t.rank" . pick('', '', ' DESC', ' ASC NULLS FIRST', ', 1') . (chance(60) ? limit() : ''), ordered => 1 };
    }
    if (chance(50)) {
        my $level = (map { $_->[0] } grep { $_->[0] =~ /level|depth/ } @{ $call->{columns} })[0];
        return { sql => "SELECT $level, " . ($call->{order} ? 'rank' : $call->{columns}[0][0] . '::text COLLATE "C", code, name') . " FROM $lone->{from}$lone->{where} ORDER BY 1" . pick('', ' DESC') . ', 2' . ($call->{order} ? '' : ', 3, 4') . limit(), ordered => 1 };
    }
    return { sql => $lone->{sql} . order_by($lone->{targets}) . limit(), ordered => 1 };
}

sub cte_query {
    my ($q) = @_;
    my $materialized = pick('', '', 'MATERIALIZED ', 'NOT MATERIALIZED ');
    if (chance(25)) {
        my $where = chance(60) ? ' AND ' . Scan::Conditions::conditions($q, map { ["k.$_->[0]", $_->[1]] } @{ Scan::Calls::columns_of('tree_children', 'bigint') }) : '';
        return { sql => 'WITH RECURSIVE r AS (SELECT id, 0 AS n FROM tree_children(' . (1 + roll(5)) . ", 'scan.plain') UNION ALL SELECT k.id, r.n + 1 FROM r, tree_children(r.id, 'scan.plain') AS k WHERE r.n < "
            . (1 + roll(5)) . "$where) SELECT * FROM r" };
    }
    my $call = Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my $inner = "WITH c AS $materialized(SELECT * FROM $call->{sql} AS t" . Scan::Conditions::where($q, 't', $call->{columns}, 40) . ')';
    my @columns = map { ["c.$_->[0]", $_->[1]] } @{ $call->{columns} };
    return { sql => "$inner SELECT * FROM c WHERE " . Scan::Conditions::conditions($q, @columns) } if chance(60);
    my $level = (map { $_->[0] } grep { $_->[0] =~ /level|depth/ } @{ $call->{columns} })[0];
    return { sql => "$inner SELECT c.id, d.code FROM c " . pick('', 'LEFT ') . 'JOIN c AS d ON ' . pick('d.parent_id = c.id', "d.id = c.parent_id AND d.$level < 3") };
}

# A function scan it must stay.
sub numbered_query {
    my ($q) = @_;
    my @calls = map { Scan::Calls::call($q, not => qr/draw/) } 0 .. 1;
    if (chance(60)) {
        my @columns = (@{ $calls[0]{columns} }, ['ordinality', 'big']);
        my $where = Scan::Conditions::where($q, 't', \@columns);
        return { sql => 'SELECT ' . pick('*', 't', 't.ordinality', 'count(*)') . " FROM $calls[0]{sql} WITH ORDINALITY AS t$where", ordered => 1, never => 1 };
    }
    my $more = pick($calls[1]{sql}, 'generate_series(1, 3)');
    return { sql => "SELECT * FROM ROWS FROM ($calls[0]{sql}, $more)" . pick('', ' WITH ORDINALITY') . ' AS t', ordered => 1, never => 1 };
}

# Among what is selected.
sub target_query {
    my ($q) = @_;
    my $call = Scan::Calls::call($q);
    my $sql = @{ $call->{columns} } > 1 && chance(40) ? "SELECT ($call->{sql}).*" : chance(30) ? "SELECT n, $call->{sql} FROM scan.fact WHERE n < 4" : "SELECT $call->{sql}";
    return { sql => $sql, never => 1 };
}

sub view_query {
    my ($q) = @_;
    my $view = Scan::Calls::view($q, pick(qw(view_build view_walk view_rows view_join)));
    my $where = Scan::Conditions::where($q, 't', $view->{columns});
    return { sql => 'SELECT ' . join(', ', targets($q, Scan::Calls::qualified('t', $view))) . " FROM $view->{sql} AS t$where" };
}

# A leaky function beside a security barrier raises an error when it sees what it must not.
sub barrier_query {
    my ($q) = @_;
    my $view = Scan::Calls::view($q, pick(qw(barrier_build barrier_walk)));
    my @conditions = shuffled('scan.leaky(t.level)', map { Scan::Conditions::condition($q, Scan::Calls::qualified('t', $view)) } 0 .. roll(2));
    return { sql => 'SELECT ' . join(', ', targets($q, Scan::Calls::qualified('t', $view))) . " FROM $view->{sql} AS t WHERE " . join(' AND ', @conditions), strict => 1 };
}

my @queries = (
    [12, plain => \&plain_query], [7, 'whole row' => \&whole_row_query], [7, counting => \&counting_query], [9, join => \&join_query], [6, 'semi-join' => \&semi_join_query],
    [6, subquery => \&subquery_query], [7, lateral => \&lateral_query], [5, correlated => \&correlated_query], [3, set => \&set_query], [4, window => \&window_query],
    [3, distinct => \&distinct_query], [8, order => \&order_query], [4, CTE => \&cte_query], [3, numbered => \&numbered_query], [1, target => \&target_query], [3, view => \&view_query],
    [3, barrier => \&barrier_query],
);

sub one_of {
    my ($q, @choices) = @_;
    my $total = 0;
    $total += $_->[0] for @choices;
    my $at = rand $total;
    for my $choice (@choices) {
        $at -= $choice->[0];
        return ($choice->[1], $choice->[2]->($q)) if $at < 0;
    }
    die 'no choice';
}

sub query { my ($q) = @_; return one_of($q, @queries); }

# --- Statements: each gives steps -----------------------------------------------------------------------------------------

sub query_alone {
    my ($q) = @_;
    my ($kind, $query) = query($q);
    return { %$query, kind => $kind, steps => [$query->{sql}], plan => $query->{sql} };
}

# A change of a tree that the transaction makes itself.
sub own_write {
    my $tree = (Scan::Trees::all())[chance(60) ? 0 : roll(6)];
    my $table = "scan.$tree->{name}";
    my ($key, $other) = map { Scan::Trees::quoted(pick(@{ $tree->{keys} })) } 0, 1;
    return pick("UPDATE $table SET code = 'changed' WHERE weight = 2", "DELETE FROM $table WHERE weight = 1", "UPDATE $table SET parent_id = $key WHERE id = $other",
        "INSERT INTO $table (parent_id, code, weight) VALUES ($key, 'new', 2)", "DELETE FROM $table WHERE id = $key", "UPDATE $table SET weight = -weight", "UPDATE $table SET active = NOT active WHERE weight = 4");
}

sub prepared_statement {
    my ($q) = @_;
    $q->{parameters} = [];
    my ($kind, $query) = query($q);
    my @steps = ("SET LOCAL plan_cache_mode = " . pick(qw(force_generic_plan force_generic_plan force_custom_plan auto)), "PREPARE p" . parameter_types($q) . " AS $query->{sql}");
    my $first = 'EXECUTE p' . parameter_values($q);
    push @steps, $first;
    for (0 .. roll(4)) {
        push @steps, own_write() if chance(15);
        push @steps, 'EXECUTE p' . parameter_values($q, 1);
    }
    return { %$query, kind => "prepared $kind", steps => \@steps, plan => $first, before_plan => 2 };
}

sub movement {
    my $how = pick('NEXT', 'NEXT', 'PRIOR', 'PRIOR', 'FIRST', 'LAST', 'ABSOLUTE ' . (roll(30) - 5), 'RELATIVE ' . (roll(9) - 4), 'RELATIVE 0', 'FORWARD ' . roll(8), 'BACKWARD ' . roll(8), 'FORWARD ALL', 'BACKWARD ALL', 'ALL');
    return pick('FETCH', 'FETCH', 'MOVE') . " $how FROM c";
}

sub cursor_statement {
    my ($q) = @_;
    my $query = chance(75) ? plain_query($q) : chance(60) ? order_query($q) : whole_row_query($q);
    my $scroll = pick('', '', 'SCROLL ', 'SCROLL ', 'NO SCROLL ');
    my @steps = "DECLARE c ${scroll}CURSOR FOR $query->{sql}";
    push @steps, own_write() if chance(10);
    my $forward_only = chance(30);
    for (0 .. 2 + roll(10)) {
        if (chance(8)) {
            # What a subtransaction opened or read must not keep what came before it from going on.
            push @steps, 'SAVEPOINT inside', map({ movement() } 0 .. roll(3)), pick('ROLLBACK TO inside', 'RELEASE inside');
        } elsif (chance(5)) {
            push @steps, own_write();
        } elsif (chance(5)) {
            push @steps, lone($q)->{sql};
        } else {
            push @steps, $forward_only ? 'FETCH ' . (1 + roll(9)) . ' FROM c' : movement();
        }
    }
    push @steps, 'CLOSE c' if chance(60);
    return { kind => "cursor", steps => \@steps, ordered => 1, plan => $query->{sql}, explained => "DECLARE c ${scroll}CURSOR FOR $query->{sql}" };
}

sub held_cursor_statement {
    my ($q) = @_;
    my $query = plain_query($q);
    my @steps = ('DECLARE c ' . pick('', 'SCROLL ') . "CURSOR WITH HOLD FOR $query->{sql}", 'FETCH ' . roll(5) . ' FROM c');
    push @steps, map { movement() } 0 .. 3;
    return { kind => 'held cursor', steps => \@steps, ordered => 1, hold => 1 };
}

sub writing_statement {
    my ($q) = @_;
    # Each fact meets one node at most: a key is there once.
    my $call = Scan::Calls::call($q, not => qr/draw|rows|forest/);
    my %fact_of = (bigint => pick(qw(i big small)), text => 't', uuid => 'u');
    my $on = "t.id = f.$fact_of{ $call->{form} }";
    my @columns = Scan::Calls::qualified('t', $call);
    my $and = chance(50) ? ' AND ' . Scan::Conditions::conditions($q, @columns) : '';
    my $item = "$call->{sql} AS t";
    my $table = "scan.$call->{tree}{name}";
    my $key = $call->{form} eq 'text' ? "p.id::text" : 'p.id';
    my $number = $columns[4][0];
    my $statement = pick(
        "UPDATE scan.fact AS f SET label = t.code, amount = $number FROM $item WHERE $on$and RETURNING f.*, t.name",
        "UPDATE scan.fact AS f SET label = t.code, amount = $number FROM $item WHERE $on$and RETURNING f.*, t.name",
        "DELETE FROM scan.fact AS f USING $item WHERE $on$and RETURNING f.*",
        "DELETE FROM scan.fact AS f WHERE EXISTS (SELECT FROM $item WHERE $on$and) RETURNING f.n",
        "INSERT INTO scan.fact (n, label, amount) SELECT 1000 + row_number() OVER (ORDER BY t.id, t.code, t.name), t.code, $number FROM $item RETURNING *",
        "MERGE INTO scan.fact AS f USING (SELECT * FROM $item WHERE true$and) AS t ON $on WHEN MATCHED AND f.n % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET label = t.code",
        "SELECT f.n, t.code FROM scan.fact AS f JOIN $item ON $on$and FOR UPDATE OF f",
        "SELECT f.n, t.code FROM scan.fact AS f LEFT JOIN $item ON $on$and FOR SHARE OF f",
        # The very table that the tree is read from.
        "UPDATE $table AS p SET note = $number\::text FROM $item WHERE t.id = $key$and RETURNING p.id, p.note, t.code",
        "UPDATE $table AS p SET parent_id = NULL FROM $item WHERE t.id = $key$and RETURNING p.id, t.code",
        "DELETE FROM $table AS p USING $item WHERE t.id = $key$and RETURNING p.id, t.name",
        "INSERT INTO $table (code, weight) SELECT t.code, $number FROM $item WHERE true$and RETURNING code, weight",
    );
    my @steps = ($statement, 'SELECT * FROM scan.fact');
    push @steps, "SELECT * FROM $call->{sql} AS t" if chance(50);
    return { kind => 'writing', steps => \@steps, plan => $statement };
}

# Inside functions, whose parameters stand in the query.
sub function_statement {
    my ($q) = @_;
    $q->{parameters} = [];
    my $lone = lone($q);
    # Rows go out as text, in the order in which they come.
    my $row = "SELECT t::text AS line FROM $lone->{from}$lone->{where}";
    my $types = parameter_types($q) || '()';
    my $write = own_write();
    my %body = (
        sql => $row,
        loop => "DECLARE r record; BEGIN FOR r IN $row LOOP RETURN NEXT r.line; END LOOP; END",
        'left loop' => "DECLARE r record; n int := 0; BEGIN FOR r IN $row LOOP n := n + 1; RETURN NEXT r.line; EXIT WHEN n >= 3; END LOOP; END",
        query => "BEGIN RETURN QUERY $row; RETURN QUERY $row LIMIT 2; END",
        'caught errors' => "DECLARE r record; n int := 0; BEGIN FOR r IN $row LOOP n := n + 1; BEGIN IF n % 3 = 2 THEN RAISE EXCEPTION 'caught'; END IF; RETURN NEXT r.line; EXCEPTION WHEN OTHERS THEN RETURN NEXT 'caught'; END; END LOOP; END",
        'writing loop' => "DECLARE r record; n int := 0; BEGIN FOR r IN $row LOOP n := n + 1; IF n = 12 THEN $write; END IF; RETURN NEXT r.line; END LOOP; END",
        'caught outside' => "DECLARE r record; BEGIN BEGIN FOR r IN $row LOOP RETURN NEXT r.line; IF length(r.line) > 12 THEN RAISE EXCEPTION 'caught'; END IF; END LOOP; EXCEPTION WHEN raise_exception THEN RETURN NEXT 'caught'; END; RETURN QUERY $row; END",
        'inner loop' => "DECLARE r record; s record; n int := 0; BEGIN FOR r IN $row LOOP n := n + 1; EXIT WHEN n > 5; FOR s IN $row LOOP RETURN NEXT r.line || s.line; END LOOP; END LOOP; END",
        cursor => "DECLARE c SCROLL CURSOR FOR $row; r record; BEGIN OPEN c; FETCH LAST FROM c INTO r; RETURN NEXT r.line; FETCH RELATIVE -2 FROM c INTO r; RETURN NEXT r.line; FETCH FIRST FROM c INTO r; RETURN NEXT r.line; CLOSE c; END",
    );
    my $kind = pick(sort keys %body);
    my $language = $kind eq 'sql' ? 'sql' : 'plpgsql';
    my $volatility = $kind eq 'writing loop' ? 'VOLATILE' : pick(qw(STABLE VOLATILE));
    my $call = 'scan.inside' . (parameter_values($q) || '()');
    my @steps = ("CREATE FUNCTION scan.inside$types RETURNS SETOF text $volatility LANGUAGE $language AS \$body\$ $body{$kind} \$body\$");
    push @steps, pick("SELECT * FROM $call", "SELECT * FROM $call", "SELECT count(*) FROM $call", "SELECT * FROM $call AS x WHERE x LIKE '%1%' LIMIT 3");
    push @steps, 'SELECT * FROM scan.inside' . (parameter_values($q, 1) || '()') if chance(60);
    return { kind => "function: $kind", steps => \@steps, ordered => 1 };
}

my @statements = ([70, undef, \&query_alone], [12, undef, \&prepared_statement], [10, undef, \&cursor_statement], [1, undef, \&held_cursor_statement], [6, undef, \&writing_statement], [6, undef, \&function_statement]);

# --- Where they run -------------------------------------------------------------------------------------------------------

my @settings = ((map { "$_ = off" } qw(enable_hashjoin enable_nestloop enable_mergejoin enable_material enable_sort enable_memoize enable_hashagg enable_incremental_sort enable_indexscan enable_seqscan)),
    "work_mem = '64kB'", 'cursor_tuple_fraction = 1.0', 'cursor_tuple_fraction = 0.001', 'join_collapse_limit = 1', 'from_collapse_limit = 1', 'plan_cache_mode = force_generic_plan', 'jit = off',
    'geqo_threshold = 2', q{pg_tree.default_tree = 'scan.plain'});

# parallel: the name of the setting that forces a parallel plan.
sub settings {
    my ($parallel) = @_;
    my @chosen = chance(55) ? () : (shuffled(@settings))[0 .. roll(4)];
    push @chosen, "$parallel = " . pick(qw(on on regress)), 'max_parallel_workers_per_gather = 2', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0' if chance(2);
    return map { "SET LOCAL $_" } @chosen;
}

# What comes before, in the same transaction.
sub state {
    my $roll = roll(100);
    return ('warm') if $roll < 55;
    return ('cache off', 'SET LOCAL pg_tree.enable_cache = off') if $roll < 65;
    return ('own writes', map { own_write() } 0 .. roll(2)) if $roll < 78;
    return ('own writes undone', 'SAVEPOINT undone', own_write(), 'ROLLBACK TO undone') if $roll < 84;
    return ('limited', "SET LOCAL ROLE $Scan::Trees::limited") if $roll < 95;
    return ('limited, own writes', "SET LOCAL ROLE $Scan::Trees::limited", own_write());
}

sub make {
    my ($parallel) = @_;
    my $q = bless { calls => 0 }, __PACKAGE__;
    my (undef, $statement) = one_of($q, @statements);
    my ($state, @before) = state();
    # What is committed must not change anything.
    ($state, @before) = state() while $statement->{hold} && $state =~ /writes/;
    return { %$statement, calls => $q->{calls}, state => $state, before => [@before, settings($parallel)], apart => chance(40) };
}

1;
