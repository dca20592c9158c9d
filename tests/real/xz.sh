#!/usr/bin/env bash
# xz and zstd, two threads each: large buffers handed between threads. 100 MB, packed to a third, come back as they
# were.
source "$(dirname "$0")/common.sh"
need xz perl sha256sum
bound xz xz --version

perl -MDigest::MD5=md5_hex -e 'printf "%d %s %s\n", $_, md5_hex($_), "lorem ipsum dolor sit " x ($_ % 3) for 1 .. 1_600_000' >data
bytes=$(stat -c %s data)
sum=$(sha256sum <data)

# there_and_back PROGRAM OPTION...: what comes back of the data.
there_and_back() {
    on_loam "$@" <data >packed
    [ "$(stat -c %s packed)" -lt $((bytes / 2)) ] || fail "$1 packed too little"
    on_loam "$1" -d "$2" <packed | sha256sum
}

same xz "$sum" "$(there_and_back xz -T2 -1 --block-size=8MiB)"
done=xz
if command -v zstd >/dev/null; then
    bound zstd zstd --version
    same zstd "$sum" "$(there_and_back zstd -q -9 -T2)"
    done="xz and zstd"
fi
echo "$done: $((bytes / 1000000)) MB packed by two threads and unpacked are the same"
