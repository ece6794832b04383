#!/usr/bin/env bash
# What emotrain index says of recordings: labels, sound, copies, outliers; which clips count, and copies in the split.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 1
"$make_corpus" corpus 6 0.5 1 || fail "no corpus"
rm -r corpus/Actor_0[56]

# The page: once as text, as JSON, as HTML.
expect 0 "^happy  *8  *4 " "$emotrain" index --config tiny.ini
grep -q "^sample rates: 22050 Hz (64 clips)" out && grep -q "^duration, s  *1.00" out || fail "no sounds: $(cat out)"
grep -q "same sound" out && fail "tones of other pitch are no copies: $(cat out)"
expect 0 '"clips":	64' "$emotrain" index --config tiny.ini --format json
"$emotrain" index --config tiny.ini -o page.html 2>err || fail "$(cat err)"
grep -q "</html>" page.html && grep -q "<svg" page.html && grep -q "<td>fearful</td>" page.html || fail "no page: $(head -c 300 page.html)"
expect_error 2 "written as .txt, .json or .html" "$emotrain" index --config tiny.ini -o page.pdf
expect_error 2 "table or json" "$emotrain" index --config tiny.ini --format csv

# Song is apart from speech, and said so; other fields choose, too.
for clip in corpus/Actor_01/*.wav; do cp "$clip" "${clip/03-01-/03-02-}"; done
printf x >>corpus/Actor_01/03-02-01-01-01-01-01.wav # another file
expect 0 "16 of 80 clips are left out by corpus.filter=channel=speech, as usual for this corpus" "$emotrain" index --config tiny.ini
expect 0 "^speakers: 1, of 16 to 16 clips" "$emotrain" index --config tiny.ini --set corpus.filter=channel=song
expect 0 "^speakers: 4, of 16 to 32 clips" "$emotrain" index --config tiny.ini --set corpus.filter=none
expect 0 "^speakers: 2, of 2 to 4 clips" "$emotrain" index --config tiny.ini --set "corpus.filter=channel=speech|song, sex=male, label=happy"
expect_error 2 'has the channel "shout"' "$emotrain" index --config tiny.ini --set corpus.filter=channel=shout
expect_error 2 'corpus.filter: "colour=red": expected channel' "$emotrain" index --config tiny.ini --set corpus.filter=colour=red
rm corpus/Actor_01/03-02-*

# The same sound under two names: reported in a known corpus, not trained on in a folder of one's own.
mkdir -p own/happy own/sad
for clip in corpus/Actor_0?/03-01-03-*.wav; do cp "$clip" own/happy/; done
for clip in corpus/Actor_0?/03-01-04-*.wav; do cp "$clip" own/sad/; done
for clip in own/happy/*.wav; do cp "$clip" "${clip%.wav}-again.wav"; done
own=(--set corpus.kind=folders --set corpus.root=own)
expect 0 "^same sound under another name: 8 clips: happy/" "$emotrain" index --config tiny.ini "${own[@]}"
expect 0 "left out of the train or validation part" "$emotrain" split --config tiny.ini "${own[@]}"
"$emotrain" split --config tiny.ini "${own[@]}" --list test 2>/dev/null >test.txt
"$emotrain" split --config tiny.ini "${own[@]}" --list train 2>/dev/null >train.txt
sed 's/-again$//' test.txt | sort -u >tested && sed 's/-again$//' train.txt | sort -u >trained
[ -s tested ] && [ -z "$(comm -12 tested trained)" ] || fail "trains what it tests: $(comm -12 tested trained)"
expect 0 "of the test part ha.* the same sound as one of the train part" "$emotrain" split --config tiny.ini "${own[@]}" --set split.copies=keep
"$emotrain" split --config tiny.ini "${own[@]}" --set split.copies=keep --list train 2>/dev/null >kept.txt
[ "$(wc -l <kept.txt)" -gt "$(wc -l <train.txt)" ] || fail "split.copies=keep keeps none"
expect 0 "Copies: [0-9]* clips of the training" "$emotrain" --config tiny.ini "${own[@]}" --run copies --set train.epochs=1

# Another corpus with the same recordings, to test on.
expect 0 "are left out of the train" "$emotrain" split --config tiny.ini --set corpus.part=train --set corpus.other.kind=folders \
  --set corpus.other.root=own --set corpus.other.part=test --set corpus.labels=happy,sad,angry
grep -q "^happy  *0  *0  *16" out || fail "trains on the other corpus' test clips: $(cat out)"

# The clips of one recording stay together, unless they are told not to.
{ echo path,label,start,end; for clip in corpus/Actor_0?/03-01-0[34]-*.wav; do
  for start in 0 0.3 0.6; do echo "${clip#corpus/},label$(basename "$clip" | cut -d- -f3),$start,$(awk "BEGIN{print $start+0.3}")"; done
done; } >parts.csv
parts=(--set corpus.kind=list --set corpus.file=parts.csv)
expect 0 "keeps each recording's together" "$emotrain" split --config tiny.ini "${parts[@]}"
"$emotrain" split --config tiny.ini "${parts[@]}" --list test 2>/dev/null | cut -d'#' -f1 | sort | uniq -c >files.txt
[ -s files.txt ] && ! grep -qv "^ *3 " files.txt || fail "recordings are cut: $(cat files.txt)"
"$emotrain" split --config tiny.ini "${parts[@]}" --set split.recordings_together=no --list test 2>/dev/null | cut -d'#' -f1 | sort | uniq -c >files.txt
grep -qv "^ *3 " files.txt || fail "recordings are together although split.recordings_together=no"
head -4 parts.csv >one.csv
expect_error 1 "at least 2 recordings.*split.recordings_together=no" "$emotrain" split --config tiny.ini "${parts[@]}" --set corpus.file=one.csv

# Short clips, and channels.
expect 0 "shorter than audio.min_seconds=1.1" "$emotrain" split --config tiny.ini --set audio.min_seconds=1.1
expect_error 1 "every clip is shorter" "$emotrain" split --config tiny.ini --set audio.min_seconds=99
expect_error 2 "audio.channel" "$emotrain" index --config tiny.ini --set audio.channel=middle
expect 0 "64 clips" "$emotrain" index --config tiny.ini --set audio.channel=left
[ "$(find runs/cache -name '*-channel1.pcm' | wc -l)" = 64 ] || fail "no cache of the left channel: $(find runs | head)"

# One recording in two corpora, or in two parts that are given.
{ head -1 parts.csv && grep ',0,' parts.csv; } >early.csv
{ head -1 parts.csv && grep ',0.6,' parts.csv; } >late.csv
two=(--set corpus.kind=list --set corpus.file=early.csv --set corpus.part=train --set corpus.b.kind=list --set corpus.b.root=corpus --set corpus.b.file=late.csv)
expect 0 "the test or validation part has clips of the same recordings" "$emotrain" split --config tiny.ini "${two[@]}"
"$emotrain" split --config tiny.ini "${two[@]}" --list test 2>/dev/null | sed 's/#.*//; s/.*corpus\///' | sort -u >tested
"$emotrain" split --config tiny.ini "${two[@]}" --list train 2>/dev/null | sed 's/#.*//; s/.*corpus\///' | sort -u >trained
[ -s tested ] && [ -z "$(comm -12 tested trained)" ] || fail "trains recordings that it tests: $(comm -12 tested trained)"
cp -r corpus elsewhere # absolute paths, outside of corpus.root
for name in early late; do sed "2,\$s,^[^/],$PWD/elsewhere/&," $name.csv >whole-$name.csv; done
expect 0 "the test or validation part has clips of the same recordings" "$emotrain" split --config tiny.ini "${two[@]}" \
  --set corpus.file=whole-early.csv --set corpus.b.file=whole-late.csv
awk -F, 'NR == 1 { print $0 ",part" } NR > 1 { print $0 "," (NR % 2 ? "train" : "test") }' parts.csv >given.csv
expect 0 "of a recording that the train part has clips of, too" "$emotrain" split --config tiny.ini --set corpus.kind=list \
  --set corpus.file=given.csv --set split.protocol=predefined
for fold in 0 1 2; do
  "$emotrain" split --config tiny.ini "${parts[@]}" --set split.folds=3 --set split.fold=$fold --list test 2>/dev/null
done >folds.txt
sort folds.txt | uniq -d | grep -q . && fail "folds test a clip twice"
[ "$(wc -l <folds.txt)" = "$(($(wc -l <parts.csv) - 1))" ] || fail "folds do not test every clip"
for fold in 0 1 2; do # both labels in each, although the recordings' names sort by label
  expect 0 "^label03 *[0-9]* *0 *[1-9]" "$emotrain" split --config tiny.ini "${parts[@]}" --set split.folds=3 --set split.fold=$fold
  grep -q "^label04 *[0-9]* *0 *[1-9]" out || fail "fold $fold has one label only: $(cat out)"
done
expect_error 2 "split.folds=speakers needs split.protocol=speaker" "$emotrain" split --config tiny.ini "${parts[@]}" --set split.folds=speakers

# Names that would move a terminal's cursor or be markup.
mkdir -p "odd/<b>x$(printf '\033')]0;t$(printf '\007')" "odd/y$(printf '\377')"
for folder in odd/*; do cp corpus/Actor_01/03-01-03-01-01-01-01.wav "$folder/a.wav"; done
odd=(--set corpus.kind=folders --set corpus.root=odd)
for output in odd.html odd.json odd.txt; do
  "$emotrain" index --config tiny.ini "${odd[@]}" -o $output >out 2>err || fail "$(cat err)"
  LC_ALL=C grep -q "$(printf '\033')" $output err && fail "$output has control characters"
  iconv -f UTF-8 -t UTF-8 $output >/dev/null || fail "$output is no UTF-8"
done
grep -q "<b>x" odd.html && fail "a name is markup"
"$emotrain" split --config tiny.ini "${odd[@]}" >out 2>err
LC_ALL=C grep -q "$(printf '\033')" err && fail "a message has control characters"
true
