#!/usr/bin/env bash
# Installs a build into an empty place; there each consumer is built through pkg-config, and run.
# usage: pkg_config.sh BUILD_DIR COMPILER SANITIZERS [PACKAGE CONSUMER_CPP]...
set -euo pipefail

build=$1
read -ra compiler <<<"$2"  # may be two words: ccache clang++-19
sanitizers=$3
shift 3

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

meson install --quiet --no-rebuild -C "$build" --destdir "$stage"

# The staged .pc files name the final prefix; point them at the stage.
pc=$(find "$stage" -name gyre.pc)
prefix=$stage$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|^prefix=.*|prefix=$prefix|" "$(dirname "$pc")"/gyre*.pc
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir gyre)
export LD_LIBRARY_PATH

while [ $# -gt 0 ]; do
    read -ra flags <<<"$(pkg-config --cflags --libs "$1")"
    if [ "$sanitizers" != none ]; then
        flags+=("-fsanitize=$sanitizers")
    fi
    (
        set -x
        "${compiler[@]}" -std=c++20 "$2" -o "$stage/consumer" "${flags[@]}"
        "$stage/consumer"
    )
    shift 2
done
