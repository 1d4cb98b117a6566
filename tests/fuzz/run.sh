#!/bin/sh
# Fuzz the reader for some time:
#
#   tests/fuzz/run.sh reader|chunk|index SECONDS [FOLDER [MAKE_TRACE]]
#
# reader takes whole files, chunk what is inside a block, index an index that
# says what it likes.  Needs clang with its run-time library (Debian: clang,
# libclang-rt-14-dev) and no configured tree.  FOLDER (default: a temporary one)
# keeps the corpus and what was found.  MAKE_TRACE, from a built tree, makes
# traces with an index of tests/fixtures, to begin with.  In the environment:
# FUZZ_SEED, the same inputs again; FUZZ_RUNS, so many executions and no more.
# Exits 0 when nothing was found.
set -eu
target=${1:?which target}
seconds=${2:?how many seconds}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
folder=${3:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
python3 "$here/seeds.py" "$folder"
if [ -n "${4:-}" ]; then
  for text in "$top"/tests/fixtures/*.txt; do
    "$4" "$text" "$folder/reader/$(basename "$text" .txt).lt"
  done
fi
case $target in
reader) length=16384 ;;
chunk) length=2048 ;;
index) length=2048 ;;
*) echo "run.sh: no target $target" >&2; exit 2 ;;
esac
: > "$folder/config.h" # no libdeflate: zlib is what we look at
# Noting each comparison would take half of the time; the seeds have what there is
# to be compared with.
clang -std=gnu11 -g -O2 -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-coverage=trace-cmp \
  -fno-sanitize-recover=undefined -D_GNU_SOURCE -pthread -I"$folder" \
  -I"$top/libtrace" -I"$top/libtrace/include" -o "$folder/fuzz_$target" \
  "$here/fuzz_$target.c" "$top"/libtrace/read/*.c "$top"/libtrace/format/*.c \
  "$top/libtrace/base/event.c" "$top/libtrace/base/status.c" -lz
cd "$folder"
# Most of the time would go into ASan's memory of who allocated and freed what.
ASAN_OPTIONS=malloc_context_size=3:quarantine_size_mb=8 FUZZ_BASE=base.lt \
  "./fuzz_$target" -max_total_time="$seconds" -runs="${FUZZ_RUNS:--1}" \
  -seed="${FUZZ_SEED:-0}" -max_len="$length" -timeout=60 -rss_limit_mb=1024 \
  -print_final_stats=1 -artifact_prefix="found-$target-" "$target"
