#!/usr/bin/env bash
# bash, forking thousands of times: every child starts with its parent's heap, and must be able to use it. The sums that
# the children hand back come out right.
source "$(dirname "$0")/common.sh"
bound bash bash -c :

cat >script.sh <<'BASH'
sum=0
for ((i = 1; i <= 2000; i++)); do # command substitution: a fork and a pipe
    sum=$(echo $((sum + i)))
done
echo "$sum"

words=()
for ((i = 1; i <= 20000; i++)); do # the heap that the children get
    words+=("word$i")
done
for ((i = 1; i <= 300; i++)); do # a subshell that changes its copy of the heap, and leaves its parent's as it was
    (words=("${words[@]:i:500}"); [ "${#words[*]}" = 500 ] && exit $((i % 7))) || echo $?
done | awk '{ n += $1 } END { print n }'
echo "${#words[@]} ${words[19999]}"

for ((i = 1; i <= 300; i++)); do # pipelines, of children alone and of programs
    seq "$i" | while read -r n; do echo $((n * n)); done | { total=0; while read -r n; do ((total += n)); done; echo "$total"; }
done | awk '{ n += $1 } END { print n }'

for ((i = 1; i <= 500; i++)); do # children at the same time
    { echo $((i * i)) >&3; } 3> >(cat >>squares) &
    ((i % 25)) || wait
done
wait
until [ "$(wc -l <squares)" = 500 ]; do sleep 0.1; done
awk '{ n += $1 } END { print n }' squares
BASH

# By formula: i up to 2000; i mod 7 up to 300 (42 weeks and 6 days); the squares up to j, for j up to 300; the squares up
# to 500.
expected="$((2000 * 2001 / 2))
$((42 * 21 + 21))
20000 word20000
$((300 * 301 * 301 * 302 / 12))
$((500 * 501 * 1001 / 6))"
same "the sums" "$expected" "$(on_loam bash script.sh)"
echo "bash: some 5500 forks, all sums right"
