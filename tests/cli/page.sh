#!/usr/bin/env bash
# report.html in headless Chromium: no error, a cell pressed, sounds decoded, values under the pointer; on a phone
# and on a desk, in light and in dark.
. "$(dirname "$0")/lib.sh" "$@"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  skip "no Chromium: apt-get install chromium"
tiny_experiment 8
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run 'a <b> & "c"' --set train.epochs=2 --set corpus.note='</script><b>&'
page="runs/a <b> & \"c\"/report.html"
[ -s "$page" ] || fail "no page"
grep -q '</script><b>&' "$page" && fail "a setting is not escaped"

# The probe goes before everything else in a copy of the page.
{ echo "<script>"; cat "$tests/cli/page_probe.js"; echo "</script>"; cat "$page"; } >probed.html

# look WIDTH SCHEME(0 dark, 1 light): the probe's findings, as JSON, from the browser's console.
# In a frame, because a browser's window has no 400 pixels.
look() {
  echo "<iframe src=probed.html style='border:0;width:$1px;height:900px'></iframe>" >frame.html
  "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$scratch/browser" --window-size=1500,1000 \
    --blink-settings=preferredColorScheme="$2" --enable-logging=stderr "file://$scratch/frame.html" >browser.log 2>&1 </dev/null &
  local pid=$! tenth
  for tenth in $(seq 300); do
    grep -q 'PROBE{.*}END' browser.log && break
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
  done
  kill $pid 2>/dev/null
  wait $pid 2>/dev/null
  sed -n 's/.*PROBE\({.*}\)END.*/\1/p' browser.log
}

has() { grep -q -- "$1" <<<"$found" || fail "$width px, scheme $scheme: no $1 in: $found"; }

wrong=$(awk -F, 'NR > 1 && $2 != $3' "runs/a <b> & \"c\"/predictions.csv" | wc -l)
for width in 400 1400; do
  for scheme in 0 1; do
    found=$(look "$width" "$scheme")
    [ -n "$found" ] || fail "the page did not answer: $(tail -3 browser.log)"
    has '"problems":\[\]'
    has '"ready":true'
    has "\"width\":$width,"
    has '"cell_pressed":"true"'
    has "\"sounds\":$((wrong < 12 ? wrong : 12)),"
    number() { sed -n "s/.*\"$1\":\([-0-9.]*\).*/\1/p" <<<"$found"; }
    [ "$(number cell_clips)" = "$(number cell_count)" ] && [ "$(number cell_count)" -gt 0 ] || fail "the cell lists other clips: $found"
    [ "$(number overflow)" -le 0 ] || fail "$width px: wider than the screen: $found"
    awk "BEGIN { exit !($(number contrast) >= 4.5) }" || fail "too little contrast: $found"
    [ "$(number curves)" -ge 4 ] || fail "curves are missing: $found"
    awk "BEGIN { exit !($(number lettering) >= 9) }" || fail "letters of a chart are too small: $found"
    has '"values":\["[0-9.]*[^"]*","[0-9.]*[^"]*"\]'
    grep -q '"values":\["",' <<<"$found" && fail "no value under the pointer: $found"
    grep -q '"seconds":\[\(0\.[1-9]\|[1-9]\)' <<<"$found" || fail "sounds do not decode: $found"
    grep -q "\"dark\":$([ "$scheme" = 0 ] && echo true || echo false)" <<<"$found" || fail "not the scheme asked for: $found"
  done
done

# Without its script, as a printer or a mail reader has it, the page still has its curves: the pictures are in its text.
sed '/^<script>$/,/^<\/script>$/d' "$page" >still.html
[ "$(grep -c '<polyline class="series0" points="[0-9]' still.html)" -ge 3 ] || fail "no curves without script"
"$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/browser" --print-to-pdf=page.pdf \
  "file://$scratch/still.html" >browser.log 2>&1 || fail "no print: $(tail -3 browser.log)"
if command -v pdftotext >/dev/null; then
  pdftotext page.pdf page.txt
  for words in "loss per step" "learning rate" "best checkpoint" "Speakers shared" "confusion\|predicted" ; do
    grep -q "$words" page.txt || fail "not in print: $words"
  done
fi

# The page of all runs: sorted, filtered, linked.
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run second --set train.epochs=2 --set run.seed=1
expect 0 "runs/index.html" "$emotrain" runs list --format html
grep -q '<td><a href="second/report.html">second</a>' runs/index.html || fail "no link to a report: $(grep second runs/index.html)"
grep -q 'a%20%3Cb%3E%20%26%20%22c%22/report.html">a &lt;b&gt; &amp; &quot;c&quot;</a>' runs/index.html || fail "$(grep '&lt;b' runs/index.html)"
{ echo "<script>"; cat "$tests/cli/runs_probe.js"; echo "</script>"; cat runs/index.html; } >probed.html
found=$(look 1400 1)
has '"problems":\[\]'
has '"kept":"second"'
has '"names":"a <b> & ..c.. second"'
has '"links":2'
[ "$(sed -n 's/.*"curves":\([0-9]*\).*/\1/p' <<<"$found")" -ge 2 ] || fail "no curves: $found"
sed -n 's/.*"down":"\([^"]*\)".*"up":"\([^"]*\)".*/\1 \2/p' <<<"$found" | awk '{ exit !($1 > $2 && $1 == $4 && $2 == $3) }' ||
  fail "not sorted: $found"
expect_error 2 "must be table, csv, json or html" "$emotrain" runs list --format htm
expect_error 2 "runs list: -o is for --format html" "$emotrain" runs list -o list.txt
