#!/usr/bin/env bash
# What strangers hand in, and what goes on meanwhile: names that are markup, formulas or orders to a terminal; databases of
# others, removed, read-only or moved; files that are none; ranks that differ; a corpus that changes; a clock that jumps.
. "$(dirname "$0")/lib.sh" "$@"
tools=$(dirname "$make_corpus")
tiny_experiment 4
clip=corpus/Actor_01/03-01-01-01-01-01-01.wav
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run base --set train.epochs=1

# ---- the working folder moves, with all that is in it ----

mkdir here && mv corpus runs tiny.ini tiny.json here && mv here there && cd there || exit 1
for words in "runs show base" "report base" "plot base" "export base exported" "runs compare base base"; do
  expect 0 base "$emotrain" $words
done
"$emotrain" runs list >listed 2>&1 && grep -q "^base .* finished .* 16 " listed || fail "$(cat listed)"
start_and_kill moving 12 --set train.epochs=60 --set checkpoint.every_steps=3
cd .. && mv there here && cd here || exit 1
expect 0 "weighted avg" "$emotrain" --run moving --config tiny.ini --resume
expect 0 "removed .*/here/runs/moving" "$emotrain" runs rm moving
cd .. && mv here/* . && rmdir here

# ---- a run of somebody else's, who lets nobody write ----

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  mkdir -m 777 theirs
  chmod 755 .
  stranger() { expect "$1" "$2" setpriv --reuid 65534 --regid 65534 --clear-groups "${@:3}"; }
  stranger 0 "base .*finished" "$emotrain" runs list
  stranger 0 "weighted avg" "$emotrain" runs show base
  stranger 1 "runs/base: cannot write: Permission denied; -o FOLDER" "$emotrain" report base
  stranger 0 theirs/report "$emotrain" report base -o theirs/report
  stranger 0 theirs/charts "$emotrain" plot base -o theirs/charts
  stranger 0 neutral "$emotrain" predict base $clip
  cmp -s theirs/report/predictions.csv runs/base/predictions.csv && [ -s theirs/report/report.html ] || fail "another report: $(ls theirs/report)"
fi

# ---- a database that goes while a run uses it ----

"$emotrain" --config tiny.ini --run orphan --set train.epochs=60 --set checkpoint.every_steps=3 >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -e runs/orphan/last ]; do sleep 0.02; done
mkdir gone && mv runs/emotrain.db* gone
wait $pid
[ $? = 1 ] && grep -q "^emotrain: .*emotrain.db: removed or replaced while this program was using it" err || fail "$(cat err)"
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run orphan --resume
"$emotrain" runs list | grep -q "^orphan .* finished" || fail "$("$emotrain" runs list)"
rm -r runs/orphan runs/emotrain.db* && mv gone/* runs

# ---- databases with holes where ours have none ----

if command -v sqlite3 >/dev/null; then
  cp -r runs saved
  sqlite3 runs/emotrain.db "CREATE TABLE r AS SELECT * FROM runs; DROP TABLE runs; ALTER TABLE r RENAME TO runs;
    INSERT INTO runs (id) VALUES (77); UPDATE runs SET name = NULL, state = NULL, config = NULL, task = NULL, started = NULL;
    CREATE TABLE p AS SELECT * FROM predictions; DROP TABLE predictions; ALTER TABLE p RENAME TO predictions;
    UPDATE predictions SET path = NULL, label = NULL, speaker = NULL;
    CREATE TABLE m AS SELECT * FROM metrics; DROP TABLE metrics; ALTER TABLE m RENAME TO metrics; UPDATE metrics SET name = NULL, value = NULL;
    CREATE TABLE c AS SELECT * FROM clips; DROP TABLE clips; ALTER TABLE c RENAME TO clips; UPDATE clips SET path = NULL, name = NULL, sha256 = NULL"
  for words in "runs list" "runs list --format json" "runs list --format csv" "runs show base" "report base" "plot base" "runs compare base base" \
    "split --config tiny.ini --no-decode" "index --config tiny.ini" "runs rm base"; do
    "$emotrain" $words >out 2>err </dev/null
    [ $? -le 2 ] || fail "$words: $(cat err)"
  done
  rm -r runs && mv saved runs
fi

# ---- names: orders to a terminal, markup, formulas, formats of charts ----

if command -v script >/dev/null; then
  bad=$(printf 'corpus/\033]0;owned\007\302\233m.wav')
  cp $clip "$bad"
  script -qec "'$emotrain' predict --quiet base '$bad'" /dev/null </dev/null >shown 2>&1
  grep -q neutral shown && ! grep -q "$(printf '\033\\|\007\\|\302\233')" shown || fail "orders to the terminal: $(cat -v shown)"
  "$emotrain" predict --quiet base "$bad" | grep -q "$(printf '\033')" || fail "a pipe gets other bytes than the name has"
  rm "$bad"
fi
mkdir -p evil/'=HYPERLINK("x")' evil/'%d@_{x}' evil/'<b onclick=alert(1)>' evil/-2
for folder in evil/*; do
  for n in 1 2 3 4; do cp corpus/Actor_0$n/03-01-0$n-01-01-01-0$n.wav "$folder/=$n.wav"; done
done
n=0
for file in evil/*/*.wav; do n=$((n + 1)); printf 'JUNK\004\000\000\000%04d' $n >>"$file"; done # no two the same file
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run evil --set train.epochs=1 --set corpus.kind=folders --set corpus.root=evil \
  --set corpus.filter=none --set split.copies=keep --set split.test=0.5
! grep -q "^warning" err || fail "charts: $(cat err)"
[ -s runs/evil/confusion.png ] && [ -s runs/evil/class_f1.svg ] || fail "no charts"
grep -q "%d@_{x}" runs/evil/confusion.svg || fail "a label is shown as something else"
! grep -q "<b onclick" runs/evil/report.html runs/evil/*.svg || fail "a label is markup"
grep -q "Content-Security-Policy.*default-src 'none'.*script-src 'sha256-" runs/evil/report.html || fail "no content policy"
! grep -qE "(^|,)\"?[=@]" runs/evil/predictions.csv || fail "a formula: $(grep -E "(^|,)\"?[=@]" runs/evil/predictions.csv | head -3)"
grep -q ",-2," runs/evil/predictions.csv || fail "a number that is a label has changed"

# A chart that somebody left in the run's folder reaches no page.
printf '<svg onload="alert(1)" id="left"/>' >runs/evil/agreement.svg
cp runs/evil/agreement.svg runs/evil/loss.svg
expect 0 evil env PATH=/nonexistent "$emotrain" report evil
! grep -q 'id="left"' runs/evil/report.html || fail "an old chart is in the page"

# ---- files that are none ----

mkfifo pipe
mkdir -p odd
for name in config.json model.safetensors preprocessor_config.json; do
  for what in pipe /dev/zero folder; do
    rm -rf odd && cp -rL runs/base/best odd && rm -f odd/$name
    case $what in pipe) mkfifo odd/$name ;; folder) mkdir odd/$name ;; *) ln -s $what odd/$name ;; esac
    timeout 20 "$emotrain" predict --quiet odd $clip >out 2>err </dev/null
    got=$?
    [ $got -le 2 ] && { [ $name = preprocessor_config.json ] || [ $got -ge 1 ]; } || fail "$name is a $what: status $got: $(cat err)"
  done
done
for what in pipe /dev/zero /dev/tty odd; do
  timeout 20 "$emotrain" --config $what >out 2>err </dev/null
  got=$?
  [ $got = 1 ] || [ $got = 2 ] || fail "--config $what: status $got: $(cat err)"
done

# ---- ranks whose configurations differ ----

store=$(mktemp -d)
rank() { EMOTRAIN_LAUNCHED=1 EMOTRAIN_STORE=$store/store RANK=$1 LOCAL_RANK=$1 WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 timeout 60 "$emotrain" --config tiny.ini --run apart "${@:2}"; }
rank 0 >out.0 2>err.0 &
rank 1 --set train.learning_rate=1 >out.1 2>err.1
[ $? != 0 ] && grep -q "rank 1 has train.learning_rate=1, rank 0 has train.learning_rate=3e-3" err.1 || fail "rank 1: $(cat err.1)"
wait %% && fail "rank 0 goes on"
[ ! -e runs/apart ] || fail "a run began"
rm -r "$store"

# ---- a corpus that changes while it is indexed, two that index at once ----

"$make_corpus" changing 12 || fail "no corpus"
for n in 1 2; do
  "$emotrain" index --config tiny.ini --set corpus.root=changing --set run.database=changing.db --set audio.cache=changing.cache >/dev/null 2>err.$n &
done
for i in $(seq 60); do
  actor=changing/Actor_$(printf %02d $((i % 12 + 1)))
  file=$(ls $actor/*.wav | sed -n "$((i % 16 + 1))p")
  case $((i % 4)) in 0) rm -f "$file" ;; 1) head -c 500 /dev/urandom >>"$file" ;; 2) : >"$file" ;; 3) mv "$file" "$file.wav" ;; esac
done
for job in $(jobs -p); do
  wait "$job" || fail "an index beside changes: $(cat err.1 err.2)"
done
for name in changing fresh; do
  for i in 1 2; do # the second time, nothing is new
    expect 0 "clips" "$emotrain" index --config tiny.ini --set corpus.root=changing --set run.database=$name.db --set audio.cache=$name.cache
  done
  cp out $name.txt
done
cmp -s changing.txt fresh.txt || fail "an index that saw changes differs: $(diff changing.txt fresh.txt)"

# ---- a clock that jumps ----

if [ -e "$tools/clock_jumps.so" ] && ! ldd "$emotrain" | grep -q 'lib[at]san'; then
  job=(--config tiny.ini --set train.epochs=4 --set checkpoint.every_steps=3)
  expect 0 "weighted avg" "$emotrain" "${job[@]}" --run steady
  expect 0 "weighted avg" env LD_PRELOAD=$tools/clock_jumps.so "$emotrain" "${job[@]}" --run jumping
  for file in best/model.safetensors predictions.csv; do
    cmp runs/steady/$file runs/jumping/$file || fail "$file depends on the clock"
  done
  expect 0 "jumping" "$emotrain" runs list
fi
