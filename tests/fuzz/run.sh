#!/bin/sh
# Fuzz the reader for some time: tests/fuzz/run.sh SECONDS [FOLDER [MAKE_TRACE]]
#
# Needs clang with its run-time library (Debian: clang, libclang-rt-14-dev) and
# no configured tree.  FOLDER (default: a temporary one) keeps the corpus and
# what was found.  MAKE_TRACE, from a built tree, makes traces with an index of
# tests/fixtures, to begin with.  FUZZ_SEED in the environment: the same inputs
# again.  Exits 0 when nothing was found.
set -eu
seconds=${1:?how many seconds}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
folder=${2:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder/corpus"
python3 "$here/seeds.py" "$folder/corpus"
if [ -n "${3:-}" ]; then
  for text in "$top"/tests/fixtures/*.txt; do
    "$3" "$text" "$folder/corpus/$(basename "$text" .txt).lt"
  done
fi
clang -std=gnu11 -g -O2 -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=undefined -D_GNU_SOURCE \
  -I"$top/libtrace" -I"$top/libtrace/include" -o "$folder/fuzz_reader" \
  "$here/fuzz_reader.c" "$top"/libtrace/read/*.c \
  "$top/libtrace/format/block.c" "$top/libtrace/format/brackets.c" \
  "$top/libtrace/format/directory.c" "$top/libtrace/format/summary.c" \
  "$top/libtrace/base/event.c" "$top/libtrace/base/status.c" -lz
cd "$folder"
./fuzz_reader -max_total_time="$seconds" -timeout=60 -rss_limit_mb=1024 \
  -seed="${FUZZ_SEED:-0}" \
  -max_len=65536 -print_final_stats=1 -artifact_prefix="$folder/found-" corpus
