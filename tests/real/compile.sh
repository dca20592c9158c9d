#!/usr/bin/env bash
# The compiler, the linker and CMake, each process short-lived: loam itself and a C++ file full of templates. All that
# is built has the same bytes as without loam.
source "$(dirname "$0")/common.sh"
need cmake ninja gcc g++

cat >templates.cpp <<'CPP'
#include <algorithm>
#include <iostream>
#include <map>
#include <numeric>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct fib { static constexpr long value = fib<N - 1>::value + fib<N - 2>::value; };
template <> struct fib<1> { static constexpr long value = 1; };
template <> struct fib<0> { static constexpr long value = 0; };

template <std::size_t N> using table = std::map<std::string, std::vector<std::tuple<char[N + 1], long, std::string>>>;

template <std::size_t... I> std::size_t fill(std::index_sequence<I...>)
{
    std::tuple<table<I>...> tables;
    ((std::get<I>(tables)[std::to_string(I)].resize(I + 1)), ...);
    return (std::get<I>(tables).begin()->second.size() + ...);
}

template <std::size_t... I> auto choices(std::index_sequence<I...>)
{
    using choice = std::variant<std::integral_constant<std::size_t, I>...>;
    std::vector<choice> all{choice(std::in_place_index<I>)...};
    return std::accumulate(all.begin(), all.end(), std::size_t{0}, [](std::size_t sum, const choice &c) {
        return sum + std::visit([](auto v) { return v.value; }, c);
    });
}

int main()
{
    std::unordered_map<std::string, int> words;
    const std::string text = "the heap the slab the chunk";
    const std::regex word("[a-z]+");
    for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end; ++i)
        ++words[i->str()];
    std::cout << fib<80>::value << ' ' << fill(std::make_index_sequence<12>()) << ' '
              << choices(std::make_index_sequence<60>()) << ' ' << words["the"] << '\n';
}
CPP
bound cc1plus g++ -c -o /dev/null -x c++ /dev/null
bound ld g++ -shared -o scrap.so -x c++ /dev/null

# build NAME LAUNCHER...: build everything in one and the same place, as paths are part of what is built, and leave it
# in NAME.
build() {
    local name=$1
    shift
    "$@" cmake -S "$repo" --preset release -B build -DLOAM_TESTS=OFF -DLOAM_BENCH=OFF >/dev/null
    "$@" cmake --build build -j 2 >build.log 2>&1 || { cat build.log >&2; fail "$name: the build"; }
    "$@" g++ -std=c++17 -O2 -g -c -o build/templates.o templates.cpp
    "$@" g++ -o build/templates.so build/templates.o
    mv build "$name"
}

build plain env
build loam "${launcher[@]}"
files=$(cd plain && find . -name '*.o' -o -name '*.a' -o -name '*.so' | sort)
for file in $files; do
    cmp "plain/$file" "loam/$file" || fail "$file differs"
done
same "the program's output" "23416728348467685 78 1770 3" "$(loam/templates.so)"
echo "compile: loam and a file of templates built, all $(wc -w <<<"$files") files with the bytes of a build without loam"
