# A hash of 700,000 entries: filled, looked up, counted by prefix and half deleted.
#
# Usage: hash.pl SCALE
use strict;
use warnings;

my $count = int(700_000 * $ARGV[0]) || 1;
my %hash;
for my $i (1 .. $count) {
    $hash{ "key-" . ($i * 7919 % 1_000_003) } = "value " x ($i % 5) . $i;
}

my %prefixes;
while (my ($key, $value) = each %hash) {
    $prefixes{ substr($key, 0, 6) } .= length $value;
}

my $i = 0;
for my $key (keys %hash) {
    delete $hash{$key} if $i++ % 2;
}
