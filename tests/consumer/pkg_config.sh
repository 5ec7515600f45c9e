#!/usr/bin/env bash
# Installs a build into an empty place, builds the consumer from there through pkg-config, runs it.
# usage: pkg_config.sh BUILD_DIR CONSUMER_CPP COMPILER SANITIZERS
set -euo pipefail

build=$1
consumer=$2
read -ra compiler <<<"$3"  # may be two words: ccache clang++-19
sanitizers=$4

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

meson install --quiet --no-rebuild -C "$build" --destdir "$stage"

# The staged .pc file names the final prefix; point it at the stage.
pc=$(find "$stage" -name gyre.pc)
prefix=$stage$(sed -n 's/^prefix=//p' "$pc")
sed -i.orig "s|^prefix=.*|prefix=$prefix|" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

read -ra flags <<<"$(pkg-config --cflags --libs gyre)"
if [ "$sanitizers" != none ]; then
    flags+=("-fsanitize=$sanitizers")
fi

set -x
"${compiler[@]}" -std=c++20 "$consumer" -o "$stage/consumer" "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir gyre) "$stage/consumer"
