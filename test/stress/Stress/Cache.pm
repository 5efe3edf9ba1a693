package Stress::Cache;

# What pg_tree says of its cache, and the switch that breaks it.

use strict;
use warnings;

use Stress::Session;

# Why there is no cache to be tested, or undef.
sub missing {
    my ($session) = @_;
    my ($views) = $session->row(q{SELECT to_regclass('tree_stat_cache') IS NOT NULL AND to_regclass('tree_stat_info') IS NOT NULL});
    return 'this pg_tree has no cache' if !$views;
    my ($preloaded) = $session->row('SELECT preloaded FROM tree_stat_info');
    return $preloaded ? undef : 'pg_tree is not in shared_preload_libraries';
}

# Why its rules cannot be left out, or undef.
sub unbreakable {
    my ($session) = @_;
    my $missing = missing($session);
    return $missing if $missing;
    my ($switch) = $session->row(q{SELECT count(*) FROM pg_settings WHERE name = 'pg_tree.debug_break'});
    return $switch ? undef : 'pg_tree was built without PG_TREE_DEBUG=1';
}

# Leaves a rule out, for all sessions that begin from now on; '' leaves none out.
sub leave_out {
    my ($session, $rule) = @_;
    $session->run($rule ? "ALTER SYSTEM SET pg_tree.debug_break = '$rule'" : 'ALTER SYSTEM RESET pg_tree.debug_break', 'SELECT pg_reload_conf()');
    # They take it from the server's first process, which reads its settings in its own time.
    my $now;
    do {
        my $fresh = Stress::Session->new(name => 'fresh');
        ($now) = $fresh->row(q{SELECT setting FROM pg_settings WHERE name = 'pg_tree.debug_break'});
        $fresh->close;
    } until $now eq $rule;
    return;
}

my @counters = qw(hits misses bypasses evictions builds);

# The counters, of all trees of the database.
sub counters {
    my ($session) = @_;
    my %count;
    my $sums = join ', ', map { "coalesce(sum($_), 0)" } @counters;
    @count{@counters} = $session->row("SELECT $sums FROM tree_stat_cache WHERE datname = current_database()");
    return \%count;
}

1;
