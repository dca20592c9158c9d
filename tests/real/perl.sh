#!/usr/bin/env bash
# Perl: hashes, closures, strings that grow, regular expressions and sorts. It prints what it prints without loam.
source "$(dirname "$0")/common.sh"
need perl
bound perl perl -e 1
export PERL_HASH_SEED=0

cat >script.pl <<'PERL'
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

my $seed = 12345;
sub draw { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $_[0] }

# A hash of lists that grows, and shrinks as it goes.
my %words;
for my $i (1 .. 600_000) {
    my $word = join '', map { chr(97 + draw(26)) } 1 .. 1 + draw(4);
    push @{$words{$word}}, $i;
    delete $words{$word} if @{$words{$word}} > 40;
}
my @by_size = sort { @{$words{$b}} <=> @{$words{$a}} || $a cmp $b } keys %words;
print scalar(@by_size), " words, first @by_size[0 .. 9]\n";

# One string, grown by pieces, then taken apart.
my $text = '';
$text .= "$by_size[$_ % @by_size]=" . draw(1000) . ($_ % 7 ? ' ' : "\n") for 1 .. 400_000;
my (%sum, $pairs);
while ($text =~ /\b([a-z])([a-z]*)=(\d+)/g) { $sum{$1} += $3 + length $2; $pairs++ }
print "$pairs pairs: ", join(' ', map { "$_$sum{$_}" } sort keys %sum), "\n";
(my $mixed = $text) =~ s/([a-z]+)=(\d+)/$2 . ucfirst reverse $1/ge;
print length($mixed), ' ', md5_hex($mixed), "\n";

# Many small objects that refer to one another, and closures that hold them.
my @nodes = map { {id => $_, next => []} } 1 .. 100_000;
push @{$nodes[draw(100_000)]{next}}, $nodes[draw(100_000)] for 1 .. 200_000;
my @calls = map { my $node = $_; sub { $node->{id} + @{$node->{next}} } } @nodes;
my $total = 0;
$total += $_->() for @calls;
$_->{next} = [] for @nodes;
print "$total\n";

print md5_hex(join ',', sort { $a <=> $b } map { draw(1 << 30) } 1 .. 300_000), "\n";
PERL

expected=$(perl script.pl)
found=$(on_loam perl script.pl)
same "the script's output" "$expected" "$found"
echo "perl: hashes, patterns, closures and sorts, output equal: $(tail -n 1 <<<"$found" | cut -c 1-16)"
