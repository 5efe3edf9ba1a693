package Scan::Compare;

# Runs a statement with the setting on and off, and says what differs.

use strict;
use warnings;

use List::Util qw(min);

use Scan::Random;

# --- Running --------------------------------------------------------------------------------------------------------------

# Every row of an answer as one string. A statement without rows gives the number of those that it met.
sub answer {
    my ($dbh, $sql) = @_;
    my $handle = $dbh->prepare($sql, { pg_direct => 1 });
    my $count = $handle->execute;
    return ["$count rows"] if !$handle->{NUM_OF_FIELDS};
    return [map { join ' | ', map { $_ // 'NULL' } @$_ } @{ $handle->fetchall_arrayref }];
}

# Answers of steps until one fails: { rows => [...] } or { state, message } of each.
sub run_steps {
    my ($dbh, @steps) = @_;
    my @results;
    for my $sql (@steps) {
        my $rows = eval { answer($dbh, $sql) };
        push @results, $rows ? { rows => $rows } : { state => $dbh->state || 'XX000', message => $dbh->errstr // $@ };
        last if !$rows;
    }
    return @results;
}

sub begin { my ($dbh, @before) = @_; $dbh->do('BEGIN ISOLATION LEVEL REPEATABLE READ'); $dbh->do($_) for @before; return; }

# Statements prepared and cursors held outlive a transaction.
sub end { my ($dbh) = @_; $dbh->do('ROLLBACK'); $dbh->do('DEALLOCATE ALL'); $dbh->do('CLOSE ALL'); return; }

sub plan {
    my ($dbh, $statement) = @_;
    return '' if !$statement->{plan};
    for my $step (@{ $statement->{steps} }[0 .. ($statement->{before_plan} // 0) - 1]) {
        return '' if !eval { answer($dbh, $step) };
    }
    my $sql = $statement->{explained} // $statement->{plan};
    my $rows = eval { answer($dbh, "EXPLAIN (COSTS OFF) $sql") } or return '';
    return join "\n", @$rows;
}

# The answers of both sides, and their plans if they are wanted: ({ results, plan } of on, of off).
sub run_both {
    my ($dbh, $statement, $setting, $with_plans) = @_;
    my %side;
    my @order  = shuffled(qw(on off));
    my @before = @{ $statement->{before} };
    my $apart  = $statement->{apart} || $statement->{hold};
    begin($dbh, @before) if !$apart;
    for my $side (@order) {
        $apart ? begin($dbh, @before) : $dbh->do('SAVEPOINT side');
        $dbh->do("SET LOCAL $setting = $side");
        my @steps = @{ $statement->{steps} };
        if ($statement->{hold}) {
            my @first = run_steps($dbh, splice @steps, 0, 2);
            # After an error there is nothing to be kept.
            push @first, run_steps($dbh, 'COMMIT') if !$first[-1]{state};
            $dbh->do($_) for $first[-1]{state} ? 'ROLLBACK' : (), 'BEGIN';
            $side{$side}{results} = [@first, $first[-1]{state} ? () : run_steps($dbh, @steps)];
        } else {
            $side{$side}{results} = [run_steps($dbh, @steps)];
        }
        if ($with_plans && !$statement->{hold}) {
            $dbh->do($apart ? 'ROLLBACK' : 'ROLLBACK TO side');
            $dbh->do('DEALLOCATE ALL');
            begin($dbh, @before) if $apart;
            $dbh->do("SET LOCAL $setting = $side");
            $side{$side}{plan} = plan($dbh, $statement);
        }
        if ($apart) {
            end($dbh);
        } else {
            $dbh->do('ROLLBACK TO side');
            $dbh->do('DEALLOCATE ALL');
        }
    }
    end($dbh) if !$apart;
    return @side{qw(on off)};
}

# --- Comparing ------------------------------------------------------------------------------------------------------------

# Errors that a plan may avoid, because it never reads what would raise them, or meet earlier than another: a bad argument.
my %of_arguments = map { $_ => 1 } qw(22P02 22003 22004 22023 42501 42704 42P01 2F003 42602 42P08);

my $timeout = '57014';

# What differs between two answers of one step, or undef.
sub difference {
    my ($statement, $on, $off) = @_;
    return undef if ($on->{state} // '') eq $timeout || ($off->{state} // '') eq $timeout;
    if ($on->{state} && $off->{state}) {
        return undef if $on->{state} eq $off->{state} || !$statement->{strict} && $of_arguments{ $on->{state} } && $of_arguments{ $off->{state} };
        return "on: $on->{state} $on->{message}\noff: $off->{state} $off->{message}";
    }
    if ($off->{state}) {
        # What could not be done without the plan node may be possible with it.
        return undef if $off->{state} eq '55000' || !$statement->{strict} && $of_arguments{ $off->{state} };
        return "on: no error\noff: $off->{state} $off->{message}";
    }
    if ($on->{state}) {
        return undef if !$statement->{strict} && $statement->{kind} =~ /join|sub|lateral|correlated|CTE|view|set|writing/ && $of_arguments{ $on->{state} };
        return "on: $on->{state} $on->{message}\noff: no error";
    }
    my @on  = @{ $on->{rows} };
    my @off = @{ $off->{rows} };
    my $order = '';
    if (!$statement->{ordered}) {
        @on  = sort @on;
        @off = sort @off;
        $order = ', sorted';
    }
    my $at = 0;
    $at++ while $at < @on && $at < @off && $on[$at] eq $off[$at];
    return undef if $at == @on && $at == @off;
    my $show = sub { my (@rows) = @_; return join '', map { "\n    " . (length > 300 ? substr($_, 0, 300) . ' ...' : $_) } @rows[$at .. min($at + 3, $#rows)]; };
    return sprintf "on: %d rows%s, from row %d:%s\noff: %d rows:%s", scalar @on, $order, $at + 1, $show->(@on), scalar @off, $show->(@off);
}

# The first difference of all steps, as (step, text), or nothing.
sub first_difference {
    my ($statement, $on, $off) = @_;
    my @on  = @{ $on->{results} };
    my @off = @{ $off->{results} };
    my @steps = @{ $statement->{steps} };
    splice @steps, 2, 0, 'COMMIT' if $statement->{hold};
    for my $i (0 .. min($#on, $#off)) {
        my $text = difference($statement, $on[$i], $off[$i]);
        return ($steps[$i], $text) if defined $text;
        last if $on[$i]{state} || $off[$i]{state};
    }
    return;
}

1;
