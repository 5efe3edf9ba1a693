#!/usr/bin/perl
# sqlsmith queries views over tree functions for a while; the server must not crash, nor raise an internal error. Prints TAP.
#
#   test/sqlsmith/sqlsmith.pl --log FILE [--seconds N] [--seed N]
#
# Runs on the server that PGHOST, PGPORT and PGUSER (a superuser) name, which has pg_tree installed, log_line_prefix = '%e ' and
# log_min_messages = error, in a database of its own, as a role that can read it and do no more. FILE is the server's log.
#
#   --seconds N     how long (60)
#   --seed N        the same queries again

use strict;
use warnings;

use FindBin;
use Getopt::Long;
use Test::More;

my %option = (seconds => 60, seed => 1 + int rand 1_000_000);
GetOptions(\%option, qw(log=s seconds=i seed=i keep)) && $option{log} && !@ARGV or die "see the head of $0 for its options\n";

my $database = 'pg_tree_sqlsmith';

# Internal errors of PostgreSQL's own that sqlsmith is known for, whatever the tables are: none of them comes from a scan. Most are
# raised by a function that the statement calls itself, with what it is not made for (of_called); these come from further within.
my @known = (
    qr/^invalid memory alloc request size/,                  # repeat() and lpad() of what is too long
    qr/^failed to find conversion function from unknown/,    # a literal of no type
    qr/^expected \d+-element \w+ array/,                     # an aggregate's own function, called with what is not its state
    qr/^(invalid INTERVAL|unrecognized interval) typmod/,    # intervaltypmodout() and interval() of any number
    qr/^cache lookup failed for operator class \d+/,         # amvalidate() of any number
);

sub psql { my (@arguments) = @_; return system('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @arguments) == 0; }

sub drop { return psql('-d', 'postgres', '-c', 'SET client_min_messages = error', '-c', "DROP DATABASE IF EXISTS $database WITH (FORCE)", '-c', 'DROP ROLE IF EXISTS smith'); }

# --- The run --------------------------------------------------------------------------------------------------------------

drop();
psql('-d', 'postgres', '-c', 'CREATE ROLE smith LOGIN', '-c', "CREATE DATABASE $database TEMPLATE template0", map { ('-c', "ALTER ROLE smith SET $_") }
    'default_transaction_read_only = on', "statement_timeout = '1s'", "lock_timeout = '1s'", 'search_path = smith, public', 'jit = off', 'client_min_messages = error', 'log_error_verbosity = verbose')
    && psql('-d', $database, '-o', '/dev/null', '-c', 'SET client_min_messages = error', '-f', "$FindBin::RealBin/schema.sql") or die "no database\n";

diag("seed $option{seed}");
open my $log, '<:raw', $option{log} or die "$option{log}: $!\n";
seek $log, 0, 2;
my $output = `timeout $option{seconds} sqlsmith --exclude-catalog --seed=$option{seed} --verbose --target='host=$ENV{PGHOST} port=$ENV{PGPORT} dbname=$database user=smith' 2>&1`;
# timeout's own status is how it should end.
is($? >> 8, 124, 'sqlsmith ran until it was stopped') or diag(substr $output, -2000);

# --- What the log says ----------------------------------------------------------------------------------------------------

# PostgreSQL's functions in SQL, by the function in C that stands behind them.
my %called;
for (`psql -X -A -t -F ' ' -d $database -c "SELECT DISTINCT prosrc, proname FROM pg_proc WHERE prolang = 12 AND pronamespace = 'pg_catalog'::regnamespace"`) {
    my ($source, $name) = split;
    push @{ $called{$source} }, $name;
}
cmp_ok(scalar keys %called, '>', 1000, q{PostgreSQL's own functions are known});

# Whether the error was raised by the very function in C of a function that the statement calls by its name.
sub of_called {
    my ($error) = @_;
    my ($source) = $error =~ /^\w{5} LOCATION:  (\w+), /m or return 0;
    my ($statement) = $error =~ /^\w{5} STATEMENT:  (.*)/ms or return 0;
    return scalar grep { $statement =~ /\bpg_catalog\.\Q$_\E\(/ } @{ $called{$source} // [] };
}

# An error is a line that begins with a code, and those after it: its message, where it was raised, and the statement.
my (%count, %known, @errors, @crashes, $at);
while (my $line = <$log>) {
    if ($line =~ /^(\w{5}) (ERROR|FATAL|PANIC|LOG): /) {
        my ($state, $level) = ($1, $2);
        undef $at;
        $count{$state}++ if $level =~ /ERROR|FATAL/;
        push @crashes, $line if $line =~ /was terminated by signal|PANIC: /;
        if ($level =~ /ERROR|FATAL/ && $state =~ /^(XX|58)/) {
            push @errors, '';
            $at = $#errors;
        }
    }
    $errors[$at] .= $line if defined $at;
    push @crashes, $line if $line =~ /TRAP: /;
}

my @internal;
for my $error (@errors) {
    my ($text) = $error =~ /^\w{5} \w+:  (?:\w{5}: )?(.*)/;
    if ((grep { $text =~ $_ } @known) || of_called($error)) {
        $known{$text =~ s/\d+/N/gr}++;
    } else {
        push @internal, $error;
    }
}

chomp(my $calls = `psql -X -A -t -d $database -c 'SELECT coalesce(sum(hits + misses + bypasses), 0) FROM tree_stat_cache WHERE datname = current_database()'`);
my ($queries) = $output =~ /queries: (\d+)(?!.*queries:)/s;
diag('errors by code: ' . join ', ', map { "$_ $count{$_}" } sort keys %count);
diag("known: $_, $known{$_} times") for sort keys %known;
diag(($queries // 'an unknown number of') . " queries, trees were asked $calls times");
is(scalar @crashes, 0, 'no crash') or diag(@crashes);
is(scalar @internal, 0, 'no internal errors') or diag(map { substr($_, 0, 6000) . "\n" } grep { defined } @internal[0 .. 4]);
cmp_ok($calls, '>', 3 * $option{seconds}, 'trees were asked');
drop() if Test::More->builder->is_passing;
done_testing();
