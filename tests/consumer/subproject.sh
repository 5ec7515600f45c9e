#!/usr/bin/env bash
# Builds the consumer in a fresh meson project that has gyre as a subproject, and runs it.
# usage: subproject.sh SOURCE_DIR CONSUMER_CPP COMPILER
set -euo pipefail

source=$1
consumer=$2
compiler=$3

project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT

mkdir "$project/subprojects"
ln -s "$source" "$project/subprojects/gyre"
cp "$consumer" "$project/consumer.cpp"
cat >"$project/meson.build" <<'END'
project('consumer', 'cpp',
  default_options: ['cpp_std=c++20', 'buildtype=plain', 'default_library=static'])
gyre_dep = dependency('gyre')
test('consumer', executable('consumer', 'consumer.cpp', dependencies: gyre_dep))
END

# Forced, or a gyre installed on this machine would be taken instead.
CXX=$compiler meson setup --force-fallback-for=gyre -Dgyre:http=disabled "$project/build" "$project"
meson test -C "$project/build" --print-errorlogs
