package Stress::Workload;

# Writers and readers, each a process of its own with a seed of its own, for some time. Gathers what they report.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use List::Util qw(sum0 shuffle);
use Time::HiRes qw(time);

use Stress::Ddl;
use Stress::Reader;
use Stress::Session;
use Stress::Trees;
use Stress::Writer;

# How long a process may take to come to its end; more means that it hangs.
my $patience = 90;

# Writers keep to a few trees at a time, so that the others' images are of use for a while.
my $hot_seconds = 2;
my $hot_trees   = 3;

# --- One process ----------------------------------------------------------------------------------------------------------

# Every action as often as its weight says, in random order. A deck, rather than dice: none is left out for long.
sub deck {
    my (%action) = @_;
    return shuffle map { ($_) x $action{$_}{weight} } sort keys %action;
}

sub hot {
    my (@trees) = @_;
    my $first = int(time / $hot_seconds) * 2;
    return map { $trees[ ($first + $_) % @trees ] } 0 .. ($hot_trees < @trees ? $hot_trees : @trees) - 1;
}

# A tree for the action, or undef: another action, please.
sub tree_for {
    my ($action, $is_writer, @trees) = @_;
    if ($action->{tree}) { return (grep { $_->{name} eq $action->{tree} } @trees)[0]; }
    my %wanted = map { $_ => 1 } @{ $action->{trees} // [map { $_->{name} } @trees] };
    my @choice = grep { $wanted{ $_->{name} } } $is_writer || rand() < 0.4 ? hot(@trees) : @trees;
    return $choice[rand @choice];
}

sub perform {
    my ($session, $name, $action, $tree) = @_;
    my $keep = $tree->{partitions} && !$action->{locks_partitions} && ($action->{in_statement} || !$session->{is_reader});
    my $ok = eval {
        if ($keep) { $session->keep_partitions; $session->{keeps_partitions} = 1; }
        $action->{run}->($session, $tree);
        $session->let_partitions_go if $keep;
        $session->{done}{$name}++;
        1;
    };
    my $error = $@;
    $session->{keeps_partitions} = 0;
    $session->settle($error, $name, $action->{also}) if !$ok;
    return;
}

# Until the time is over, or the driver says so by SIGTERM.
sub work {
    my ($plan, $name, $is_reader, $report) = @_;
    my $stop = 0;
    local $SIG{TERM} = sub { $stop = 1 };
    my %action = actions_of($plan, $is_reader);
    my @session = map { Stress::Session->new(name => "$name$_", report => $report, is_reader => $is_reader) } '', ' helper';
    $_->row('SELECT setseed(' . rand() . ')') for @session;
    $session[0]{helper} = $session[1];
    my @trees = map { Stress::Trees::named($_) } @{ $plan->{trees} };
    # What is not there yet is not called.
    for my $each (keys %action) {
        my $function = $action{$each}{function};
        delete $action{$each} if defined $function && !$session[0]->exists($function);
    }
    my @deck;
    my $end = time + $plan->{seconds};
    while (!$stop && time < $end) {
        @deck = deck(%action) if !@deck;
        my $each = shift @deck;
        my $tree = tree_for($action{$each}, !$is_reader, @trees) or next;
        perform($session[0], $each, $action{$each}, $tree);
    }
    $report->({ type => 'done', map { $_ => sum_of($_, @session) } qw(done compared functions errors) });
    return;
}

sub sum_of {
    my ($what, @sessions) = @_;
    my %sum;
    for my $session (@sessions) { $sum{$_} += $session->{$what}{$_} for keys %{ $session->{$what} // {} }; }
    return \%sum;
}

# The actions of a writer or a reader, or those of them that the plan names.
sub actions_of {
    my ($plan, $is_reader) = @_;
    my %all = $is_reader ? Stress::Reader::actions() : (Stress::Writer::actions(), Stress::Ddl::actions());
    my $names = $plan->{ $is_reader ? 'reads' : 'changes' } or return %all;
    return map { $_ => $all{$_} // die "no such action: $_\n" } @$names;
}

# --- All of them ----------------------------------------------------------------------------------------------------------

sub start {
    my ($plan, $name, $number, $is_reader) = @_;
    pipe my $from, my $to or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid) {
        CORE::close $to;
        return { pid => $pid, name => $name, from => $from, text => '' };
    }
    CORE::close $from;
    $to->autoflush(1);
    srand($plan->{seed} * 1000 + $number);
    my $report = sub { print {$to} encode_json($_[0]), "\n"; };
    my $ok = eval { work($plan, $name, $is_reader, $report); 1 };
    $report->({ type => 'unexpected', text => "$name ended: " . (ref $@ ? "$@->{state} $@->{message}" : $@) }) if !$ok;
    # Nothing of the driver's may run at this process's end, its test counter least of all.
    require POSIX;
    POSIX::_exit($ok ? 0 : 1);
}

# plan: { seconds, seed, writers, readers, trees, and optionally changes, reads (names of actions), stop_at_difference }.
# Returns { differences, unexpected (texts), done, compared, functions, errors (counts by name), seconds }.
sub run {
    my ($plan, $on_event) = @_;
    my $began = time;
    my $until = $began + $plan->{seconds} + $patience;
    my $number = 0;
    my @workers = map { start($plan, "writer $_", ++$number, 0) } 1 .. $plan->{writers};
    push @workers, map { start($plan, "reader $_", ++$number, 1) } 1 .. $plan->{readers};
    my %result = (differences => [], unexpected => [], done => {}, compared => {}, functions => {}, errors => {});
    my %by_handle = map { fileno($_->{from}) => $_ } @workers;
    my $select = IO::Select->new(map { $_->{from} } @workers);
    while ($select->count) {
        my @ready = $select->can_read($until - time > 0 ? $until - time : 0);
        if (!@ready) {
            my @hanging = map { $by_handle{ fileno $_ } } $select->handles;
            push @{ $result{unexpected} }, 'processes that did not come to their end: ' . join ', ', map { $_->{name} } @hanging;
            kill KILL => map { $_->{pid} } @hanging;
            last;
        }
        for my $handle (@ready) {
            my $worker = $by_handle{ fileno $handle };
            if (!sysread $handle, $worker->{text}, 65536, length $worker->{text}) {
                $select->remove($handle);
                next;
            }
            while ($worker->{text} =~ s/^(.*)\n//) {
                my $event = decode_json($1);
                note_event(\%result, $event);
                $on_event->($event) if $on_event;
                next if $event->{type} ne 'difference' || !$plan->{stop_at_difference} || $result{stopped}++;
                kill TERM => map { $_->{pid} } @workers;
            }
        }
    }
    waitpid $_->{pid}, 0 for @workers;
    $result{seconds} = time - $began;
    return \%result;
}

sub note_event {
    my ($result, $event) = @_;
    if ($event->{type} eq 'done') {
        for my $what (qw(done compared functions errors)) {
            $result->{$what}{$_} += $event->{$what}{$_} for keys %{ $event->{$what} };
        }
    } elsif ($event->{type} eq 'difference') {
        push @{ $result->{differences} }, $event->{text};
    } else {
        push @{ $result->{unexpected} }, $event->{text};
    }
    return;
}

1;
