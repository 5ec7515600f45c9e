#!/usr/bin/env bash
# Installs what a Debian or Ubuntu machine lacks to build gyre, then configures and compiles build/.
# Safe to run again: what is there is left alone, unless build/ was made with another compiler or
# without gyre-http.
#
#   third_party/setup.sh                         with the system's g++ if it is 13 or later, else
#                                                with clang-19
#   CXX=g++ third_party/setup.sh                 with this compiler, which must be there
#   third_party/setup.sh --packages [NAME ...]   only installs, also the packages named; builds nothing
set -euo pipefail

packages=(meson ninja-build pkg-config libuv1-dev libc-ares-dev doctest-dev libcli11-dev
          libcurl4-openssl-dev libgumbo-dev)

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# g++ older than 13 miscompiles coroutines.
good_gxx() {
    local version
    version=$(g++ -dumpversion 2>/dev/null) && [ "${version%%.*}" -ge 13 ]
}

# Prints the compiler that a configured build/ uses; ccache in front of it does not count.
compiler_of_build() {
    meson introspect build --targets | python3 -c '
import json, sys
for target in json.load(sys.stdin):
    for source in target["target_sources"]:
        if source.get("language") == "cpp":
            print(*[word for word in source["compiler"] if word != "ccache"])
            sys.exit()'
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "no apt here; install a C++20 compiler (g++ 13 or clang 16, or later) and what Debian calls: ${packages[*]}"
fi

if [ -n "${CXX:-}" ]; then
    compiler=$CXX
    command -v "${CXX%% *}" >/dev/null || fail "CXX=$CXX, but there is no ${CXX%% *} here"
elif good_gxx; then
    compiler=g++
else
    compiler=clang++-19
    packages+=(clang-19)
fi

if [ "${1:-}" = --packages ]; then
    packages+=("${@:2}")
elif [ $# -gt 0 ]; then
    fail "usage: setup.sh [--packages [NAME ...]]"
fi

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "not root and no sudo here; as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
fi
if [ "${1:-}" = --packages ]; then
    exit
fi

export CXX=$compiler

if [ ! -f build/build.ninja ]; then
    say "configuring build/ with $compiler"
    meson setup build
elif [ "$(compiler_of_build)" != "${compiler#ccache }" ]; then
    say "configuring build/ anew with $compiler"
    meson setup --wipe build
elif [ ${#missing[@]} -gt 0 ] || ! grep -q gyre-http build/build.ninja; then
    say "configuring build/ again, with all that is here now"
    meson setup --reconfigure -Dhttp=auto build
fi
say "compiling build/"
meson compile -C build
