#!/usr/bin/env bash
# Redis, which counts each byte by malloc_usable_size and saves from a forked child: it is filled by redis-benchmark on
# two threads, saves, reloads and starts again with the same data, and its count comes down when all is deleted. Debian
# links it with jemalloc; the preloaded heap goes before that.
source "$(dirname "$0")/common.sh"
need redis-cli redis-benchmark

# The server is the same program as redis-check-rdb and goes by its name. Debian's redis-tools has only the latter, and
# starts no service.
checker=$(command -v redis-server redis-check-rdb | head -n 1)
[ -n "$checker" ] || { echo "skipped: no redis-server here"; exit 77; }
ln -s "$checker" redis-server
bound redis-server ./redis-server --version

cli() { redis-cli -s "$work/socket" "$@"; }
info() { cli info "$1" | tr -d '\r' | sed -n "s/^$2://p"; }
stop() { [ -z "$(jobs -rp)" ] || cli shutdown nosave 2>/dev/null || kill "$(cat pid)"; }

start() {
    on_loam ./redis-server --port 0 --unixsocket "$work/socket" --dir "$work" --pidfile "$work/pid" \
        --enable-debug-command yes --save '' --activedefrag no >>log 2>&1 &
    for ((i = 0; i < 200; i++)); do
        [ "$(cli ping 2>/dev/null)" = PONG ] && return
        sleep 0.05
    done
    fail "the server does not answer: $(tail log)"
}

start
mapped "$(info server process_id)"
empty=$(info memory used_memory)

on_loam redis-benchmark -s socket -q -n 100000 -r 50000 -d 100 -P 8 --threads 2 \
    -t set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,lrange_100,mset >benchmark.log 2>&1 ||
    fail "redis-benchmark: $(tail benchmark.log)"
on_loam redis-benchmark -s socket -q -n 2000 -r 2000 -d 20000 append key:__rand_int__ "$(printf '%01000d' 0)" >/dev/null
cli eval 'for i = 1, 30000 do redis.call("hset", "big:" .. i % 50, "field" .. i, string.rep("v", i % 700)) end' 0 >/dev/null
cli set other "$(printf '%05000d' 7)" >/dev/null

keys=$(cli dbsize)
digest=$(cli debug digest)
full=$(info memory used_memory)
((keys > 40000)) || fail "the benchmark left $keys keys only"
((full > empty + 10000000 && full < 2000000000)) || fail "used_memory: $empty, then $full"
cli memory stats | grep -q . || fail "memory stats"
cli memory purge >/dev/null

cli bgsave >/dev/null
while [ "$(info persistence rdb_bgsave_in_progress)" != 0 ]; do sleep 0.1; done
same "the save of the child" ok "$(info persistence rdb_last_bgsave_status)"
same "reload" OK "$(cli debug reload nosave)"
same "digest after the reload" "$digest" "$(cli debug digest)"
cli shutdown save >/dev/null || fail "shutdown"
wait $! || fail "the server ended with status $?: $(tail log)"

start
same "digest after the start" "$digest" "$(cli debug digest)"
cli flushall sync >/dev/null
left=$(info memory used_memory)
((left < empty + full / 10)) || fail "used_memory: $full, and $left after everything is deleted"
cli shutdown nosave >/dev/null || fail "shutdown"
wait $! || fail "the server ended with status $?: $(tail log)"
echo "redis: $keys keys in $((full / 1000000)) MB, digest equal after a child's save, a reload and a restart"
