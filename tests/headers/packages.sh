#!/usr/bin/env bash
# packages.sh BUILD: what `make install` installs of BUILD, and somebody then moves, is found by pkg-config: with each of its
# packages a program is compiled and linked, and runs.
set -euo pipefail
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config here"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/loam-packages.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

cmake --install "$1" --prefix "$work/installed" >"$work/log"
mv "$work/installed" "$work/moved"
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name loam.pc)")
export PKG_CONFIG_PATH

# package NAME PROGRAM: PROGRAM needs the library of the package, and returns 0.
package() {
    local flags program=$work/program
    if read -ra flags < <(pkg-config --cflags --libs "$1") &&
        cc -Wall -Werror -fno-builtin -x c - -x none "${flags[@]}" -o "$program" <<<"$2" &&
        readelf -d "$program" | grep -qF "[lib$1.so]" &&
        LD_LIBRARY_PATH=$(pkg-config --variable=libdir "$1") "$program"; then
        return
    fi
    echo "FAILED: $1" >&2
    failed=1
}

package loam '#include <loam/malloc.h>
int main(void) { void *p = loam_malloc(100); loam_free(p); return p == 0; }'
package loam-kit '#include <loam/region.h>
int main(void) { struct loam_region *region = loam_region_create(); loam_region_destroy(region); return region == 0; }'
package loam-mem '#include <string.h>
int main(void) { return memchr("abc", 99, 3) == 0; }'
exit $failed
