#!/usr/bin/env bash
# What cmake --install puts where: the program works from there, a C program outside the tree uses the library, shared and
# static, and answers as predict does; manual page and completion.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
cmake --install "$(dirname "$emotrain")" --prefix "$PWD/usr" >installed 2>&1 || fail "$(tail -3 installed)"
for file in bin/emotrain lib*/emotrain.pc include/emotrain.h share/man/man1/emotrain.1 share/bash-completion/completions/emotrain; do
  [ -n "$(find usr -path "*/${file##*/}")" ] || fail "no $file"
done
usr/bin/emotrain --config tiny.ini --run one --set train.epochs=1 >/dev/null 2>err || fail "installed: $(cat err)"
clips=$(find corpus -name '*.wav' | sort | head -2)
usr/bin/emotrain predict one $clips --format csv --set run.precision=float32 >csv 2>err || fail "installed: $(cat err)"

export PKG_CONFIG_PATH=$(dirname "$(find "$PWD/usr" -name emotrain.pc)")
libraries=$(find "$PWD/usr" -name libemotrain.so -printf '%h')
flags() { pkg-config "$@" emotrain; }
# A program that uses an instrumented library is instrumented too.
sanitize=
ldd "$libraries/libemotrain.so" | grep -q libasan && sanitize=-fsanitize=address,undefined
source=$tests/../examples/classify/classify.c
[ "$(wc -l <"$source")" -le 40 ] || fail "the example has grown"
${CC:-cc} -std=c17 -Wall -Wextra -Wpedantic -Werror "$source" $(flags --cflags --libs) $sanitize -o shared || fail "the example does not compile"

# check PROGRAM: its answers are predict's, within what bfloat16 and resampling settings leave.
check() {
  "$1" runs/one/best $clips >answers 2>err || fail "$1: $(cat err)"
  [ "$(grep -c '^corpus' answers)" = 2 ] || fail "$1: $(cat answers err)"
  grep '^  ' answers | awk '{ print $2 }' >a
  tail -n +2 csv | tr ',' '\n' | grep -E '^[0-9.]+(e-?[0-9]+)?$' | awk '$1 <= 1' >b
  paste a b | awk '{ d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || d > 0.01) bad = 1 } END { exit bad || NR != 16 }' ||
    fail "$1 answers otherwise: $(paste a b)"
}
check ./shared
expect 1 "no run\|no \"nothing\"\|nothing" ./shared nothing $clips
nm -D --defined-only "$libraries/libemotrain.so" | grep ' T ' | grep -v ' emotrain_' && fail "the library shows more than its own names"
if ${CC:-cc} -std=c17 "$source" $(flags --cflags) -L"$libraries" -l:libemotrain.a $(flags --libs --static | sed 's/-lemotrain//') $sanitize -o static 2>why; then
  check ./static
else
  fail "static: $(head -3 why)"
fi

# The package has dpkg run ldconfig, and names what links to the library.
if command -v dpkg-shlibdeps >/dev/null && command -v file >/dev/null; then
  (cd "$(dirname "$emotrain")" && cpack -G DEB -B "$scratch/deb") >packed 2>&1 || fail "cpack: $(tail -3 packed)"
  dpkg-deb --control deb/*.deb control
  grep -q "^libemotrain 0 emotrain" control/shlibs || fail "no library in the package's shlibs: $(ls control)"
  cat control/postinst control/triggers 2>/dev/null | grep -q ldconfig || fail "the package does not run ldconfig: $(ls control)"
fi

# Every command stands in the manual and is completed.
for command in $("$emotrain" --help | sed -n 's/^  emotrain \([a-z]*\) .*/\1/p'); do
  grep -q "^\.B $command" "$(find usr -name emotrain.1)" || fail "the manual lacks $command"
done
if command -v groff >/dev/null; then
  groff -man -ww -Tutf8 "$(find usr -name emotrain.1)" 2>&1 >page | head -3 | grep . && fail "the manual page has faults"
  grep -q "EMOTRAIN(1)" page || fail "an empty manual page"
fi
bash -c '. "$1"; COMP_WORDS=(emotrain la); COMP_CWORD=1; _emotrain; [ "${COMPREPLY[*]}" = launch ] || exit 1
  COMP_WORDS=(emotrain train --set train.lea); COMP_CWORD=3; compopt() { :; }; _emotrain
  [ "${COMPREPLY[*]}" = "train.learning_rate=" ] || exit 1
  COMP_WORDS=(emotrain sweep --see); COMP_CWORD=2; _emotrain; [ "${COMPREPLY[*]}" = --seeds ]' - \
  "$(find usr -path '*completions/emotrain')" || fail "the completion"
