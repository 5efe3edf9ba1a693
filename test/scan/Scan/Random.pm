package Scan::Random;

# Dice. The same seed gives the same rolls.

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(roll chance pick some shuffled);

# 0 .. n - 1
sub roll { my ($sides) = @_; return int rand $sides; }

sub chance { my ($percent) = @_; return rand 100 < $percent; }

sub pick { return $_[rand @_]; }

sub shuffled {
    my @list = @_;
    for my $i (reverse 1 .. $#list) {
        my $j = roll($i + 1);
        @list[$i, $j] = @list[$j, $i];
    }
    return @list;
}

# One or more of them, in any order.
sub some { my @list = shuffled(@_); return @list[0 .. roll(scalar @list)]; }

1;
