#!/usr/bin/perl
# Random statements around the tree functions, each answered with and without the plan node (pg_tree.enable_scan on and off); the
# answers must be the same, in the same order where there is one, and so must errors. Prints TAP.
#
#   test/scan/scan.pl [--seconds N] [--count N] [--seed N]
#
# Runs on the server that PGHOST, PGPORT and PGUSER (a superuser) name, which has pg_tree installed, in a database of its own,
# which is dropped at the end unless something was found (or --keep is given). Images need shared_preload_libraries = 'pg_tree'.
#
#   --seconds N       how long (60)
#   --count N         how many statements at most
#   --seed N          of the first statement; the next one has N + 1. --seed N --count 1 makes a statement again that was reported
#   --show            prints statements instead of only those that differ
#   --setting NAME    compares another setting. With one of the planner's own, such as enable_hashjoin, there is nothing to be found

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use DBI;
use Getopt::Long;
use Test::More;
use Time::HiRes qw(time);

use Scan::Compare;
use Scan::Queries;
use Scan::Random;
use Scan::Trees;

my %option = (seed => 1 + int rand 1_000_000_000, setting => 'pg_tree.enable_scan');
GetOptions(\%option, qw(seconds=i count=i seed=i show setting=s keep)) && !@ARGV or die "see the head of $0 for its options\n";
$option{seconds} //= $option{count} ? 1e9 : 60;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output, Test::More->builder->todo_output;

my $database = 'pg_tree_scan';
my $is_own   = $option{setting} eq 'pg_tree.enable_scan';

sub connection {
    my ($name) = @_;
    my $dbh = DBI->connect("dbi:Pg:dbname=$name", undef, undef,
        { RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_server_prepare => 0, pg_expand_array => 0 });
    $dbh->do($_) for 'SET client_min_messages = error', "SET statement_timeout = '10s'", 'SET jit = off', 'SET max_parallel_workers_per_gather = 0';
    return $dbh;
}

sub drop_database {
    my $dbh = connection('postgres');
    $dbh->do("DROP DATABASE IF EXISTS $database WITH (FORCE)");
    $dbh->do("DROP ROLE IF EXISTS $Scan::Trees::limited");
    $dbh->disconnect;
    return;
}

sub create_database {
    my $dbh = connection('postgres');
    $dbh->do("CREATE ROLE $Scan::Trees::limited");
    $dbh->do("CREATE DATABASE $database TEMPLATE template0");
    $dbh->do("ALTER DATABASE $database SET search_path = $Scan::Trees::schema, public");
    $dbh->disconnect;
    return;
}

# --- The run --------------------------------------------------------------------------------------------------------------

my (%done, %states, %errors, %plans, @found);
my ($timeouts, $statements, $forward_only) = (0, 0, 0);

sub report {
    my ($seed, $statement, $step, $what, @sides) = @_;
    push @found, $what;
    return if @found > 20;
    my ($on, $off) = map { $_->{plan} ? "\n" . $_->{plan} : ' none' } @sides;
    diag("--seed $seed --count 1: $statement->{kind}, $statement->{state}\n" . join('', map { "$_;\n" } @{ $statement->{before} }, @{ $statement->{steps} })
        . "step: $step\n$what\nplan, on:$on\nplan, off:$off\n");
    return;
}

sub has_scan { my ($plan) = @_; return $plan =~ /Custom Scan \(TreeScan\)/; }

sub check_plans {
    my ($seed, $statement, @sides) = @_;
    my ($on, $off) = map { $_->{plan} } @sides;
    return if !$is_own || !$on || !$off;
    report($seed, $statement, 'the plan', 'off has the plan node', @sides) if has_scan($off);
    report($seed, $statement, 'the plan', 'on has the plan node where it cannot stand', @sides) if $statement->{never} && has_scan($on);
    # A plan that asks no function at all, because nothing can come out, says nothing.
    $plans{ has_scan($on) ? 'with' : 'without' }++ if !$statement->{never} && $off =~ /Function Scan on tree_/;
    return;
}

# Rows that come sorted can be worth an incremental sort, which unlike a sort does not go backwards. PostgreSQL promises that of cursors
# with SCROLL only, and the same happens beside an index.
sub is_forward_only {
    my ($statement, $what, $on) = @_;
    return $what =~ /^on: 55000/ && $statement->{kind} eq 'cursor' && $statement->{explained} !~ /SCROLL/ && ($on->{plan} // '') =~ /Incremental Sort/;
}

sub one_statement {
    my ($dbh, $seed, $parallel) = @_;
    srand $seed;
    my $statement = Scan::Queries::make($parallel);
    my $plans     = chance(25);
    diag(join "\n", "$seed: $statement->{kind}, $statement->{state}", @{ $statement->{before} }, @{ $statement->{steps} }) if $option{show};
    my @sides = eval { Scan::Compare::run_both($dbh, $statement, $option{setting}, $plans) };
    if (!@sides) {
        report($seed, $statement, 'around it', $@, {}, {});
        die "the connection is lost\n" if !$dbh->ping;
        eval { $dbh->do('ROLLBACK') };
        return;
    }
    $statements++;
    $done{ $statement->{kind} =~ s/^prepared .*/prepared/r }++;
    $states{ $statement->{state} }++;
    for my $result (map { @{ $_->{results} } } @sides) {
        my $state = $result->{state} or next;
        $errors{$state}++;
        $timeouts++ if $state eq '57014';
        report($seed, $statement, 'any', "$state $result->{message}", @sides) if $state =~ /^(XX|LEAK0|57P|58)/ || $state eq '42601';
    }
    if (my ($step, $what) = Scan::Compare::first_difference($statement, @sides)) {
        # The plans are of interest now.
        srand $seed;
        Scan::Queries::make($parallel);
        my @again = eval { Scan::Compare::run_both($dbh, $statement, $option{setting}, 1) };
        if (is_forward_only($statement, $what, @again)) {
            $forward_only++;
        } else {
            report($seed, $statement, $step, $what, @again ? @again : @sides);
        }
    }
    check_plans($seed, $statement, @sides);
    return;
}

sub report_counts {
    my ($title, $counts) = @_;
    diag("$title: " . join ', ', map { "$_ $counts->{$_}" } sort keys %$counts);
    return;
}

drop_database();
create_database();
my $dbh = connection($database);
Scan::Trees::create($dbh);
my ($has_setting) = $dbh->selectrow_array('SELECT count(*) FROM pg_settings WHERE name = ?', undef, $option{setting});
my ($preloaded)   = $dbh->selectrow_array('SELECT preloaded FROM tree_stat_info');
my $parallel      = $dbh->{pg_server_version} >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode';
Scan::Trees::warm($dbh) if $preloaded;

if (ok($has_setting, "there is the setting $option{setting}")) {
    my $seed = $option{seed};
    my $end  = time + $option{seconds};
    diag("seed $seed");
    while (time < $end && $statements < ($option{count} // 1e9)) {
        one_statement($dbh, $seed++, $parallel);
        # Writes that were undone can have cost an image.
        Scan::Trees::warm($dbh) if $preloaded && $statements % 500 == 0;
    }
    report_counts("$statements statements", \%done);
    report_counts('states', \%states);
    report_counts('errors', \%errors);
    report_counts('plans', \%plans);
    diag("cursors that an incremental sort made forward only: $forward_only") if $forward_only;
    is(scalar @found, 0, "no difference between on and off ($statements statements)");
    cmp_ok($timeouts, '<=', 2 + $statements / 500, "nearly all came to their end: all but $timeouts");
    if ($is_own && !$option{count}) {
        my $with = $plans{with} // 0;
        cmp_ok($with, '>', ($plans{without} // 0), "most plans have the plan node: $with of " . ($with + ($plans{without} // 0)));
      SKIP: {
            skip 'pg_tree is not in shared_preload_libraries', 1 if !$preloaded;
            my ($hits, $asked) = $dbh->selectrow_array('SELECT sum(hits), sum(hits + misses + bypasses) FROM tree_stat_cache WHERE datname = current_database()');
            cmp_ok($hits, '>', $asked / 4, "images were in use: $hits of $asked questions");
        }
    }
}
$dbh->disconnect;
drop_database() if !$option{keep} && Test::More->builder->is_passing;
done_testing();
