#!/usr/bin/env bash
# SQLite with a large page cache and its temporary tables in memory: a database above 100 MB is built, changed, thinned
# and vacuumed. It is whole, and its content is the one that is made without loam.
source "$(dirname "$0")/common.sh"
need sqlite3
bound sqlite3 sqlite3 :memory: 'select 1'

cat >script.sql <<'SQL'
pragma journal_mode = wal;
pragma cache_size = -131072;
pragma temp_store = memory;
pragma synchronous = off;
create table item(id integer primary key, grp integer, name text, body text, hash blob);
with recursive n(i) as (values(1) union all select i + 1 from n where i < 330000)
insert into item
select i, i * 7919 % 1009, printf('%08x', i * 2654435761 & 0xffffffff),
       replace(printf('%.*c', 20 + i % 23, 'x'), 'x', printf('<%d>', i % 65537)), sha3(i, 512)
from n;
create unique index item_hash on item(hash);
create index item_group on item(grp, name);
update item set body = upper(body) || name, hash = sha3(hash, 256) where id % 3 = 0;
delete from item where grp % 5 = 2;
create table part as
    select grp, count(*) as items, sum(length(body)) as bytes, group_concat(name, '') as names from item group by grp;
select count(*), sum(length(body)), max(hash) from item;
select count(*) from item a join part p on p.grp = a.grp where instr(p.names, a.name) = 0;
select name, row_number() over (partition by grp order by hash) as nth from item order by nth desc, hash limit 5;
vacuum;
pragma integrity_check;
.sha3sum
SQL

# build DATABASE LAUNCHER...: what the script prints for a new database.
build() {
    "${@:2}" sqlite3 -bail "$1" <script.sql
}

expected=$(build plain.db env)
found=$(build loam.db "${launcher[@]}")
same "the script's output" "$expected" "$found"
grep -qx ok <<<"$found" || fail "integrity_check: $found"
bytes=$(stat -c %s loam.db)
[ "$bytes" -gt 100000000 ] || fail "the database has $bytes bytes only"
echo "sqlite: $((bytes / 1000000)) MB pass integrity_check, content equal: $(tail -n 1 <<<"$found" | cut -c 1-16)"
