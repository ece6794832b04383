#!/usr/bin/env bash
# The house: which room may include which, who may name a setting, how long functions are, and that docs/settings.md is
# what the program prints.
. "$(dirname "$0")/lib.sh" "$@"
source=$tests/../src

# A room uses those above it in this list, never those below.
order=(base config store audio corpus torch model eval train hub report run lib cli)
level() { local i; for i in "${!order[@]}"; do [ "${order[i]}" = "$1" ] && echo "$i" && return; done; echo -1; }
grep -rn '^#include "' "$source" --include='*.[ch]' --include='*.[ch]pp' |
  sed -n 's,^.*/src/\([a-z]*\)/\([^:]*\):[0-9]*:#include "\([a-z]*\)/.*,\1 \3 \1/\2,p' | sort -u >arrows
[ "$(wc -l <arrows)" -gt 300 ] || fail "the #include lines were not found"
while read -r from to file; do
  [ "$(level "$from")" -ge 0 ] && [ "$(level "$to")" -ge 0 ] || fail "$file: no room $from or $to in the list"
  [ "$(level "$to")" -le "$(level "$from")" ] || fail "src/$file includes the room $to, which is below $from"
done <arrows

# Only config/, run/ and cli/ ask for a setting by its name.
if grep -rnE '(config_(text|choose|set|apply|load)|setting_find)\(' "$source" --include='*.c' --include='*.h' |
  grep -vE '/src/(config|run|cli)/'; then
  fail "a setting is named outside config/, run/ and cli/"
fi

# At most one function has more than 60 lines.
find "$source" -name '*.c' -o -name '*.cpp' | xargs awk '
  /^[A-Za-z].*\)$/ || /^[A-Za-z][^;=]*\($/ { name = $0; start = FNR }
  /^\{/ { open = FNR }
  /^\}/ { if (open && FNR - open - 1 > 60) print FILENAME ":" open ": " FNR - open - 1 " lines: " name; open = 0 }' >long
[ "$(wc -l <long)" -le 1 ] || fail "more than one function of over 60 lines: $(cat long)"

# Every source file opens with what it is for.
for file in $(find "$source" -name '*.[ch]' -o -name '*.[ch]pp'); do
  head -c 2 "$file" | grep -q '/[*/]' || fail "$file does not open with what it is for"
done

"$emotrain" --settings >settings.md
cmp settings.md "$tests/../docs/settings.md" || fail "docs/settings.md is not what emotrain --settings prints"
expect 0 "^emotrain sweep" "$emotrain" help sweep
expect_error 2 'nearest is "sweep"' "$emotrain" help swep
