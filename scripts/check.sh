#!/usr/bin/env bash
# What the compilers do not see: clang-tidy (.clang-tidy), cppcheck, clang-format, and the commands that need no tensor under
# valgrind.  Installs what is missing.  Status 1 after a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh $(scripts/packages.sh check)
scripts/set-up.sh build

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo '#define cJSON_ArrayForEach(item, list) for (item = (list)->child; item; item = item->next)' >"$folder/macros.h"

clang-format --dry-run -Werror $(git ls-files '*.c' '*.h' '*.cpp' '*.hpp')
echo "clang-format: clean"
cppcheck --enable=warning,performance,portability --inline-suppr --std=c11 --error-exitcode=1 -q -j"$(nproc)" -I src -D_GNU_SOURCE \
  -DEMOTRAIN_VERSION='""' --include="$folder/macros.h" $(git ls-files "src/*.c")
cppcheck --enable=warning,performance,portability --inline-suppr --std=c++17 --language=c++ --error-exitcode=1 -q -j"$(nproc)" -I src \
  $(git ls-files "src/torch/*.cpp" "src/torch/*.hpp")
echo "cppcheck: clean"
run-clang-tidy -p build -quiet -j"$(nproc)" "$PWD/src/.*\.c\$" >"$folder/tidy" 2>/dev/null || { grep -E '(warning|error):' "$folder/tidy" | sort -u; exit 1; }
# The analyzer takes libtorch's own pointers for uninitialised.
run-clang-tidy -p build -quiet -j"$(nproc)" -checks=-clang-analyzer-core.UndefinedBinaryOperatorResult "$PWD/src/torch/.*\.cpp\$" >"$folder/tidy" 2>/dev/null ||
  { grep -E '(warning|error):' "$folder/tidy" | sort -u; exit 1; }
echo "clang-tidy: clean"

# valgrind, with libc's allocator, on an index, a split, features, and a run's listing, charts and report.
emotrain=$PWD/build/emotrain tests=$PWD/tests
build/tests/make_corpus "$folder/corpus" 4
cp tests/cli/tiny.ini tests/cli/tiny.json "$folder"
cd "$folder"
"$emotrain" --config tiny.ini --run run --set train.epochs=1 >/dev/null 2>&1
for command in "index --config tiny.ini --set run.database=new.db --set audio.cache=new" "split --config tiny.ini" "split --config tiny.ini --list test" \
  "features egemaps corpus/Actor_01" "runs" "runs show run" "plot run" "report run" "runs rm run" "--help"; do
  valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --soname-synonyms=somalloc=none \
    --child-silent-after-fork=yes "$emotrain" $command >out 2>log || { echo "valgrind: emotrain $command"; cat log; exit 1; }
done
echo "valgrind: clean"
