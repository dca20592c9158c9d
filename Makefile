# The face of the build; CMake does the work (CMakePresets.json names the ways to build).
#
#   make                  build/libloam.so, build/libloam.a, build/loam
#   make run [CMD="..."]  run a program on loam's heap and show where its memory went
#   make test             every test, in every way to build
#   make bench            loam beside the allocators of the distribution
#   make bench-check      loam check beside valgrind and AddressSanitizer
#   make bench-mem        the routines of raw memory beside the C library's
#   make bench-kit        the facilities beside what others use for the same
#   make install PREFIX=  library, headers, pkg-config and CMake files, command

PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)

.PHONY: all run test quick-test bench bench-check bench-mem bench-kit install check format clean

all:
	@scripts/install build
	@cmake --preset release >/dev/null
	@cmake --build build -j $(JOBS) --target product

run: all
	@scripts/run $(if $(CMD),'$(subst ','\'',$(CMD))')

test:
	@scripts/install build test page real
	@scripts/install port fuzz || echo "tests of other processors and C libraries, and the fuzz targets, will be skipped"
	@scripts/test

# The tests of one build, without the real programs.
quick-test:
	@scripts/install build test
	@cmake --preset release >/dev/null
	@cmake --build build -j $(JOBS)
	@ctest --test-dir build --output-on-failure -LE real

bench:
	@scripts/install build bench
	@cmake --preset release -DLOAM_BENCH=ON >/dev/null
	@cmake --build build -j $(JOBS) --target product bench_programs
	@python3 bench/loam_bench.py --build build $(BENCH)

bench-check: all
	@scripts/install bench
	@python3 bench/check_bench.py detect
	@python3 bench/check_bench.py cost

bench-mem:
	@scripts/install build bench real
	@cmake --preset release -DLOAM_BENCH=ON >/dev/null
	@cmake --build build -j $(JOBS) --target product loam_mem_bench
	@python3 bench/mem_bench.py --build build $(BENCH)

# map last: what it has written keeps the machine busy for a while.
bench-kit:
	@scripts/install build bench
	@cmake --preset release -DLOAM_BENCH=ON >/dev/null
	@cmake --build build -j $(JOBS) --target kit_bench
	@for name in region secret shared map; do \
	    program=build/bench/kit-bench-$$name; [ ! -x $$program ] || $$program || exit; done >bench/results/kit.tmp
	@mv bench/results/kit.tmp bench/results/kit.txt && cat bench/results/kit.txt

install: all
	@cmake --install build --prefix "$(PREFIX)"

check:
	@scripts/install check
	@scripts/check_layers
	@scripts/check_format

format:
	@git ls-files '*.c' '*.h' '*.cpp' | xargs clang-format -i

clean:
	rm -rf build build-debug build-asan build-tsan build-hardened
