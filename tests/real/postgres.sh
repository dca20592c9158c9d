#!/usr/bin/env bash
# PostgreSQL, a process for each connection: initdb, then pgbench with four clients. The money that moved is the same
# counted by account, teller, branch and history; indexes and heap pass pg_amcheck; the server stops cleanly.
source "$(dirname "$0")/common.sh"
PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin)
need initdb pg_ctl pgbench psql pg_amcheck

# It refuses to run as root. The heap's library may lie where nobody else may read: that right alone is kept.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override)
    chown nobody:nogroup "$work"
fi
on_loam_as_user() { "${as_user[@]}" "${launcher[@]}" "$@"; }
server() { on_loam_as_user pg_ctl -D data -w -s "$@"; }
stop() { [ ! -e data/postmaster.pid ] || server -m immediate stop; }

export PGHOST=$work PGUSER=bench PGDATABASE=postgres
bound postgres postgres --version
on_loam_as_user initdb -D data -U bench -A trust -E UTF8 --no-sync >initdb.log 2>&1 || fail "initdb: $(tail initdb.log)"
server -l log -o "-k '$work' -c listen_addresses= -c fsync=off -c shared_buffers=64MB" start || fail "start: $(tail log)"
mapped "$(head -n 1 data/postmaster.pid)"

query() { on_loam psql -XAtq -c "$1"; }
if [ -n "$heap" ]; then
    maps=$(query "select pg_read_file('/proc/self/maps') like '%/$heap%'")
    same "the heap of a connection's process" t "$maps"
fi

on_loam pgbench -i -q -s 5 >init.log 2>&1 || fail "pgbench -i: $(tail init.log)"
on_loam pgbench -c 4 -j 2 -T 10 -M prepared >bench.log 2>&1 || fail "pgbench: $(tail bench.log)"
transactions=$(sed -n 's/^number of transactions actually processed: //p' bench.log)

# Sorts, hashes and aggregates in memory; the sums of text as an independent count.
query "set work_mem = '64MB'; select count(*), sum(n) from (select md5(aid::text) m, count(*) n from pgbench_accounts
       group by 1 order by 1) s" >sorted
same "accounts" "500000|500000" "$(cat sorted)"
sums=$(query "select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
              (select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history)")
IFS='|' read -r accounts tellers branches history <<<"$sums"
same "the sum of tellers" "$accounts" "$tellers"
same "the sum of branches" "$accounts" "$branches"
same "the sum of history" "$accounts" "$history"
same "the transactions" "$transactions" "$(query 'select count(*) from pgbench_history')"
[ "$transactions" -gt 0 ] || fail "no transaction"

query 'vacuum full analyze'
on_loam pg_amcheck --install-missing --heapallindexed -d postgres >amcheck.log 2>&1 || fail "pg_amcheck: $(cat amcheck.log)"
server -m fast stop || fail "stop: $(tail log)"
! grep -E 'PANIC|terminated by signal' log || fail "the log"
echo "postgres: $transactions transactions, $accounts in all of four sums, pg_amcheck finds nothing"
