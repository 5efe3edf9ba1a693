#!/usr/bin/perl
# Many sessions change trees in every way that there is, while others read them in every way; each answer is compared with the
# recursive query in the same statement. Prints TAP.
#
#   test/stress/stress.pl [--seconds N] [--seed N] [--writers N] [--readers N]
#   test/stress/stress.pl --breaks [NAME,...] [--seconds N]     see Stress/Breaks.pm
#
# Runs on the server that PGHOST, PGPORT and PGUSER (a superuser) name, which has pg_tree installed and max_prepared_transactions
# above zero, in a database of its own, which is dropped at the end unless something was found (or --keep is given). For the cache
# to be of use the server needs shared_preload_libraries = 'pg_tree'; for images to be evicted, pg_tree.cache_size about 4 MB.
#
#   --seconds N     how long (60); with --breaks, how long to look for each break at random, after its scenarios (0)
#   --seed N        the same choices again, as far as the processes' timing allows
#   --trees NAME,... --changes NAME,... --reads NAME,...     only these, to look closer at something

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use Getopt::Long;
use List::Util qw(sum0);
use Test::More;

use Stress::Cache;
use Stress::Oracle;
use Stress::Session;
use Stress::Trees;
use Stress::Workload;

my %option = (writers => 4, readers => 4, seed => 1 + int rand 1_000_000);
GetOptions(\%option, qw(seconds=i seed=i writers=i readers=i trees=s changes=s reads=s breaks:s keep)) && !@ARGV
    or die "see the head of $0 for its options\n";

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output, Test::More->builder->todo_output;

sub names { my ($text) = @_; return $text ? [split /,/, $text] : undef; }

# --- The database ---------------------------------------------------------------------------------------------------------

sub on_postgres {
    my (@statements) = @_;
    my $session = Stress::Session->new(name => 'driver', database => 'postgres');
    $session->run(@statements);
    $session->close;
    return;
}

my $database = $Stress::Session::database;

sub drop_database {
    # Prepared transactions that a test which was interrupted left behind are in the way.
    if (my $session = eval { Stress::Session->new(name => 'driver') }) {
        end_prepared($session);
        $session->close;
    }
    on_postgres("DROP DATABASE IF EXISTS $database WITH (FORCE)", 'DROP ROLE IF EXISTS stress_owner, stress_limited');
    return;
}

sub end_prepared {
    my ($session) = @_;
    $session->run("ROLLBACK PREPARED '$_->[0]'") for $session->rows('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()');
    return;
}

# --- The stress -----------------------------------------------------------------------------------------------------------

sub report_counts {
    my ($title, $counts) = @_;
    diag("$title: " . join ', ', map { "$_ $counts->{$_}" } sort keys %$counts);
    return;
}

# Every tree once more, by a session that took no part.
sub compare_all {
    my ($session) = @_;
    my $differences = 0;
    for my $tree (Stress::Trees::all()) {
        my @functions = $tree->{large} ? 'build' : Stress::Oracle::functions();
        $differences += $session->compare(Stress::Oracle::statement($tree, function => $_, root => $tree->{step}), 'at the end') for @functions;
    }
    return $differences;
}

sub all_happened {
    my ($what, $done, @names) = @_;
    my @missing = grep { !$done->{$_} } @names;
    ok(!@missing, "every kind of $what happened") or diag("never: @missing");
    return;
}

sub stress {
    # One fault can show thousands of times.
    my $shown = 0;
    my $report = sub { my ($event) = @_; diag("$event->{type}: $event->{text}") if $event->{type} ne 'done' && $shown++ < 20; };
    my $session = Stress::Session->new(name => 'driver', report => $report);
    Stress::Trees::create($session);
    my $no_cache = Stress::Cache::missing($session);
    my $plan = { %option, seconds => $option{seconds} // 60,
        trees => names($option{trees}) // [map { $_->{name} } Stress::Trees::all()], map { $_ => names($option{$_}) } qw(changes reads) };
    diag("seed $plan->{seed}: $plan->{writers} writers, $plan->{readers} readers, $plan->{seconds} s");
    my $result = Stress::Workload::run($plan, $report);
    end_prepared($session);
    my $at_end = compare_all($session);
    my $reads  = sum0(values %{ $result->{compared} });

    report_counts('done', $result->{done});
    report_counts("$reads comparisons", $result->{compared});
    report_counts('of functions', $result->{functions});
    report_counts('errors that were to be expected', $result->{errors});

    is(scalar @{ $result->{differences} }, 0, "no difference from the recursive query ($reads comparisons)");
    is($at_end, 0, 'nor at the end');
    is(scalar @{ $result->{unexpected} }, 0, 'no unexpected errors');
    if (!grep { $option{$_} } qw(trees changes reads)) {
        my %change = Stress::Workload::actions_of($plan, 0);
        my %read   = Stress::Workload::actions_of($plan, 1);
        all_happened('change', $result->{done}, grep { !$change{$_}{function} || $session->exists($change{$_}{function}) } sort keys %change);
        all_happened('reader', $result->{done}, sort keys %read);
        all_happened('function', $result->{functions}, Stress::Oracle::functions());
    }
  SKIP: {
        skip $no_cache, 2 if $no_cache;
        my $use = Stress::Cache::counters($session);
        report_counts('cache', $use);
        my $asked = $use->{hits} + $use->{misses} + $use->{bypasses};
        cmp_ok($use->{hits}, '>', $asked / 5, sprintf 'the cache was in use: %.0f %% of %d questions', 100 * $use->{hits} / ($asked || 1), $asked);
        cmp_ok($use->{evictions}, '>', 0, "images were evicted: $use->{evictions} times");
    }
    $session->close;
    return;
}

srand $option{seed};
drop_database();
on_postgres("CREATE DATABASE $database");
if (defined $option{breaks}) {
    require Stress::Breaks;
    Stress::Breaks::run(\%option, names($option{breaks}));
} else {
    stress();
}
drop_database() if !$option{keep} && Test::More->builder->is_passing;
done_testing();
