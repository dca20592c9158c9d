#!/usr/bin/env bash
# jq: a million small values, counted by reference. It prints what it prints without loam.
source "$(dirname "$0")/common.sh"
need jq
bound jq jq -n 1

cat >script.jq <<'JQ'
[range(120000) | {id: ., group: (. * 7919 % 997), tags: [range(. % 5) | tostring], name: ("n" * (. % 17 + 1))}]
| group_by(.group)
| map({group: .[0].group, count: length, names: (map(.name | length) | add), tags: (map(.tags[]) | sort | unique)})
| (map(.count) | add), (map(.names) | add), (map(tojson) | sort | .[0, 500, -1]), (map(tojson) | join(",") | length)
JQ
expected=$(jq -nc -f script.jq)
same "the script's output" "$expected" "$(on_loam jq -nc -f script.jq)"
echo "jq: 120000 objects grouped, output equal: $(tail -n 1 <<<"$expected")"
