#!/bin/sh
# Fuzz the reader for some time: tests/fuzz/run.sh SECONDS [FOLDER]
#
# Needs clang with its run-time library (Debian: clang, libclang-rt-14-dev) and
# no configured tree.  FOLDER (default: a temporary one) keeps the corpus and
# what was found.  Exits 0 when nothing was.
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
clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=undefined -D_GNU_SOURCE \
  -I"$top/libtrace" -I"$top/libtrace/include" -o "$folder/fuzz_reader" \
  "$here/fuzz_reader.c" "$top"/libtrace/read/*.c \
  "$top/libtrace/format/block.c" "$top/libtrace/format/brackets.c" \
  "$top/libtrace/base/event.c" "$top/libtrace/base/status.c" -lz
cd "$folder"
./fuzz_reader -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 \
  -max_len=65536 -print_final_stats=1 -artifact_prefix="$folder/found-" corpus
