#!/bin/sh
# redis.sh DIRECTORY REQUESTS: a server in this process, under load from a client that has no library preloaded.
socket=$1/redis.sock
rm -f "$socket"
(
    unset LD_PRELOAD
    until [ -S "$socket" ]; do sleep 0.01; done
    redis-benchmark -s "$socket" -q -n "$2" -r 100000 -P 16 -c 20 -d 100 -t set,get,incr,lpush,lpop,sadd,hset,zadd,mset
    redis-cli -s "$socket" shutdown nosave
) >/dev/null 2>&1 &
exec redis-server --port 0 --unixsocket "$socket" --save '' --dir "$1" --loglevel warning
