#!/usr/bin/env bash
# Corpora beside RAVDESS through the whole job: a list with stretches and parts, folders, EmoDB's names.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6

# A list: some clips whole, some as stretches of one long file; labels under another name, joined and left out.
{
  echo "file,emotion,who,set,from,to"
  for clip in corpus/Actor_0[1-6]/*-01-01-0?.wav; do
    name=$(basename "$clip" .wav)
    emotion=$(cut -d- -f3 <<<"$name") actor=$(cut -d- -f7 <<<"$name")
    labels=(x neutral calm joy sad angry fear disgust surprise)
    part=train; [ "$actor" -ge 5 ] && part=test
    if [ "$actor" = 03 ]; then from=0.02 to=0.22; else from="" to=""; fi
    echo "${clip#corpus/},${labels[10#$emotion]},speaker $actor,$part,$from,$to"
  done
} >list.csv
list=(--set corpus.kind=list --set corpus.file=list.csv --set "corpus.columns=path=file label=emotion speaker=who part=set start=from end=to"
  --set "corpus.label_map=calm=neutral, surprise=-" --set split.protocol=predefined --set train.epochs=2)
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run list "${list[@]}"
grep -q "^ *joy  " out && grep -q "^ *neutral  " out || fail "labels are not the list's: $(cat out)"
grep -q "calm\|surprise" out && fail "labels were not mapped: $(cat out)"
grep -q "by speaker\|^by speaker" runs/list/classification_report.txt || fail "no metrics by speaker"
grep -q "Speakers shared" runs/list/classification_report.txt && fail "speakers 5 and 6 are not in the train part"
"$emotrain" split --config tiny.ini "${list[@]}" --list train >train.txt 2>err || fail "$(cat err)"
[ "$(grep -c '#t=0.02,0.22$' train.txt)" -gt 3 ] || fail "no stretches in the train part: $(cat train.txt)"
rm runs/list/report.html
expect 0 list "$emotrain" report list
grep -q 'speaker speaker 0[56]' runs/list/report.html || fail "the page does not know who speaks"

# A stretch is predicted as the stretch's own file would be.
clip=corpus/Actor_01/03-01-01-01-01-01-01.wav
expect 0 "#t=0.1,0.2" "$emotrain" predict list "$clip#t=0.1,0.2" "$clip"
expect 1 "no stretch from 5 to 6 s" "$emotrain" predict list "$clip#t=5,6" "$clip"
expect_error 2 "list.csv:1\|no column" "$emotrain" index --config tiny.ini "${list[@]}" --set corpus.columns=path=fil
expect_error 2 "needs corpus.file" "$emotrain" index --config tiny.ini --set corpus.kind=list

# A second list of the same folder is a corpus of its own: the first run's report still knows its clips.
head -20 list.csv >other.csv
expect 0 "19 clips" "$emotrain" index --config tiny.ini "${list[@]}" --set corpus.file=other.csv
expect 0 list "$emotrain" report list
grep -q "^by speaker" runs/list/classification_report.txt || fail "another list took the clips away"

# Clips to test alone can be evaluated, as they were among others; nothing can be trained on them.
awk -F, 'NR == 1 || $4 == "test"' list.csv >testonly.csv
"$emotrain" eval list >whole.txt 2>err || fail "eval: $(cat err)"
"$emotrain" eval list --set corpus.file=testonly.csv >alone.txt 2>err || fail "eval of clips to test alone: $(cat err)"
head -12 whole.txt | cmp - <(head -12 alone.txt) || fail "clips to test alone are predicted otherwise"
expect_error 1 "gives no clip to the train part" "$emotrain" --config tiny.ini --run no "${list[@]}" --set corpus.file=testonly.csv

# A folder per label; EmoDB's names.
for clip in corpus/Actor_0[1-4]/*-01-01-0?.wav; do
  name=$(basename "$clip" .wav)
  emotion=$(cut -d- -f3 <<<"$name") actor=$(cut -d- -f7 <<<"$name")
  mkdir -p "folders/emotion$emotion" emodb
  cp "$clip" "folders/emotion$emotion/$actor$RANDOM$RANDOM.wav"
  codes=(x N L F T W A E N)
  cp "$clip" "emodb/1${actor#0}a0$((1 + 10#$emotion % 2))${codes[10#$emotion]}$(tr 1-8 a-h <<<"${emotion#0}").wav"
done
expect 0 "emotion01" "$emotrain" --config tiny.ini --run folders --set corpus.kind=folders --set corpus.root=folders --set train.epochs=1
expect 0 "happiness" "$emotrain" --config tiny.ini --run emodb --set corpus.kind=emodb --set corpus.root=emodb --set train.epochs=1 \
  --set split.protocol=speaker
grep -q "by sex" runs/emodb/classification_report.txt || fail "EmoDB's speakers have sexes"
expect_error 2 'corpus.kind must be one of.*not "emdb"' "$emotrain" index --config tiny.ini --set corpus.kind=emdb

# Labels alike but for case; parts by speakers' names; a label that a part lacks.
sed '1!s/,anger,/,Angry,/; 1!s/,fear,/,FEAR,/' list.csv | sed '/calm/s/calm/Neutral/' >case.csv
expect 0 'labels "Neutral" and "neutral" look alike.*corpus.label_map=Neutral=neutral' "$emotrain" split --config tiny.ini "${list[@]}" \
  --set corpus.file=case.csv --set corpus.label_map=surprise=-
named=("${list[@]}" --set split.protocol=speaker --set "split.test_speakers=speaker 05, speaker 06")
"$emotrain" split --config tiny.ini "${named[@]}" --list test >test.txt 2>err || fail "$(cat err)"
[ "$(cut -d- -f7 test.txt | cut -d. -f1 | sort -u | tr '\n' ' ')" = "05 06 " ] || fail "the test part is of other speakers: $(cat test.txt)"
"$emotrain" split --config tiny.ini "${named[@]}" --set "split.validation_speakers=speaker 01" --list validation >validation.txt 2>err || fail "$(cat err)"
[ "$(cut -d- -f7 validation.txt | cut -d. -f1 | sort -u)" = 01 ] || fail "the validation part is of other speakers: $(cat validation.txt)"
expect_error 2 'no clip that is left for it is of speaker "speaker 05"' "$emotrain" split --config tiny.ini "${named[@]}" --set "split.validation_speakers=speaker 05"
expect_error 2 'of speaker "nobody"' "$emotrain" split --config tiny.ini "${named[@]}" --set split.test_speakers=nobody
expect_error 2 "needs split.protocol=speaker" "$emotrain" split --config tiny.ini "${named[@]}" --set split.protocol=stratified
sed '/,joy,.*,test,/d' list.csv >lacks.csv
expect 0 "the test part has no clip of: joy" "$emotrain" split --config tiny.ini "${list[@]}" --set corpus.file=lacks.csv
expect 0 "OA_bite\|OAF_back_angry.wav" "$emotrain" corpora

# A list taken at its word: nothing is opened until a command needs the audio, and then what is broken is found.
{ head -8 list.csv && tail -4 list.csv; } >quick.csv
echo "gone.wav,angry,nobody,train,," >>quick.csv
quick=("${list[@]}" --set corpus.file=quick.csv)
expect 0 "12 files, 0 opened this time, 12 not yet" "$emotrain" index --config tiny.ini "${quick[@]}" --no-decode
expect 0 "12 files, 0 opened this time, 12 not yet" "$emotrain" index --config tiny.ini "${quick[@]}" --no-decode
expect 0 "^gone" "$emotrain" split --config tiny.ini "${quick[@]}" --no-decode --list train
expect 0 "12 files, 11 opened this time, 1 broken left out" "$emotrain" index --config tiny.ini "${quick[@]}"
expect 0 "12 files, 0 opened this time, 1 broken left out" "$emotrain" index --config tiny.ini "${quick[@]}" --no-decode
expect 0 "-01-01" "$emotrain" split --config tiny.ini "${quick[@]}" --list train
if grep -q gone out; then fail "a file that is not there is in the split"; fi

# One word in several spellings: accents as one character or two, numbers, sexes; folders in Latin-1; commas in labels.
words() { python3 - "$1" <<'P'
import glob, sys, unicodedata
kind = sys.argv[1]
print("path,label,speaker,sex")
for i, path in enumerate(sorted(glob.glob("corpus/Actor_0[1-4]/*.wav"))):
    actor = int(path.split("Actor_")[1][:2])
    form = "NFC" if actor == 1 else "NFD"
    label = {"accents": unicodedata.normalize(form, "fröhlich") if i % 2 else "sad",
             "numbers": f"{i % 2}{'.0' if actor == 1 else ''}",
             "commas": '"happy, excited"' if i % 2 else "sad"}[kind]
    print(f"{path[7:]},{label},{unicodedata.normalize(form, 'Zoë') if actor < 3 else actor},{'FMfm'[actor - 1]}")
P
}
for kind in accents numbers commas; do words $kind >$kind.csv; done
spelt=(--config tiny.ini --set corpus.kind=list --set split.protocol=stratified)
expect 0 "fröhlich" "$emotrain" split "${spelt[@]}" --set corpus.file=accents.csv
[ "$(grep -c "hlich" out)" = 1 ] || fail "two labels of one: $(cat out)"
expect 0 "0 of 3 speakers" "$emotrain" split "${spelt[@]}" --set corpus.file=accents.csv --set split.protocol=speaker --set split.test=0.5
for sex in female F; do
  expect 0 "^all  *24 .* 8$" "$emotrain" split "${spelt[@]}" --set corpus.file=accents.csv --set "corpus.filter=sex=$sex"
done
expect 0 'warning: the labels "0" and "0.0" look alike' "$emotrain" split "${spelt[@]}" --set corpus.file=numbers.csv
expect 0 "joyful" "$emotrain" split "${spelt[@]}" --set corpus.file=commas.csv --set 'corpus.label_map="happy, excited"=joyful'
expect 0 "happy, excited" "$emotrain" split "${spelt[@]}" --set corpus.file=commas.csv --set 'corpus.labels=sad, "happy, excited"'
latin=$(printf 'w\344rme')
mkdir -p "latin/$latin" latin/ruhig
cp corpus/Actor_0[1-4]/03-01-01*.wav "latin/$latin" && cp corpus/Actor_0[1-4]/03-01-02*.wav latin/ruhig
expect 0 "wärme" "$emotrain" --config tiny.ini --run latin --set corpus.kind=folders --set corpus.root=latin --set train.epochs=1
for file in report.json best/config.json; do python3 -m json.tool runs/latin/$file >/dev/null || fail "$file is no JSON"; done
expect 0 "" "$emotrain" predict latin "latin/$latin" --format json
python3 -c "import json, sys; [json.loads(line) for line in open('out', encoding='utf-8')]" || fail "predict's lines are no JSON: $(cat out)"

# A quote that another row closes takes no rows with it; a folder with a link to nothing, or with hidden files, is predicted.
{ printf 'path\tlabel\ttext\n'; i=0; for clip in corpus/Actor_0[1-4]/*.wav; do i=$((i + 1)); text=hello; [ $i = 4 ] && text='"Oh no'; [ $i = 21 ] && text='"Yes please'
  printf '%s\t%s\t%s\n' "${clip#corpus/}" L$((i % 3)) "$text"; done; } >quotes.tsv
expect_error 1 "quotes.tsv:5: a quote is opened that another row closes" "$emotrain" index "${spelt[@]}" --set corpus.file=quotes.tsv
mkdir -p loose/.Trash && cp corpus/Actor_01/03-01-01-01-01-01-01.wav loose && cp loose/*.wav loose/.Trash && ln -s gone.wav loose/z.wav
expect 1 "loose/03-01" "$emotrain" predict latin loose --format csv
grep -q "z.wav" err && ! grep -q Trash out || fail "not the link alone: $(cat out err)"
expect 1 "standard input: is empty" "$emotrain" predict latin -

# A file of parts may name clips that are left out; the label with a single clip is named; a constant is nothing to learn.
{ echo name,part; for clip in corpus/Actor_0[1-4]/*.wav; do name=$(basename "$clip" .wav); case $name in *-04) part=test ;; *) part=train ;; esac; echo "$name,$part"; done; } >parts.csv
expect 0 "warning: .*parts.csv:[0-9]*: no usable clip .* of the file.s 64 rows" "$emotrain" split --config tiny.ini --set split.protocol=predefined \
  --set split.file=parts.csv --set corpus.label_map=calm=-
sed '2s/,fröhlich\|,sad/,unique/' accents.csv >rare.csv
expect_error 2 'the label "unique" has only 1 clip left .* corpus.label_map=unique=-' "$emotrain" split "${spelt[@]}" --set corpus.file=rare.csv
{ echo path,label; for clip in corpus/Actor_0[1-4]/*.wav; do echo "${clip#corpus/},3.5"; done; } >constant.csv
expect 0 'warning: .*"value" is 3.5 for every clip' "$emotrain" split "${spelt[@]}" --set corpus.file=constant.csv --set model.task=regression

# Of nested folders the one that names an emotion is the label.
for actor in 1 2; do mkdir -p nested/angry/ann$actor nested/bob/happy; cp corpus/Actor_0$actor/03-01-05* nested/angry/ann$actor; cp corpus/Actor_0$actor/03-01-03* nested/bob/happy; done
expect 0 "^angry " "$emotrain" split --config tiny.ini --set corpus.kind=folders --set corpus.root=nested
grep -q "^happy " out && ! grep -q "^ann\|^bob" out && grep -q "warning: .* take the label of a folder further up" err || fail "other labels: $(cat out err)"
