#!/usr/bin/env bash
# Repeatability: what `runs show` says repeats a run, bit for bit; another number of threads gives the same but for rounding.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4

expect 0 "weighted avg" "$emotrain" --config tiny.ini --run once --set train.batch_size=4 --set model.pooling=attention
"$emotrain" runs show once >shown || fail "runs show: $?"
command=$(grep -A1 "^to repeat it" shown | tail -1)
grep -q "^ *emotrain --config .*--run NAME" <<<"$command" || fail "no command to repeat the run: $(cat shown)"
command=${command/emotrain/\"\$emotrain\"}
eval "${command/NAME/again}" >/dev/null 2>err || fail "$command: $(cat err)"
for file in last/model.safetensors last/optimizer.safetensors metrics.jsonl predictions.csv classification_report.txt; do
  cmp runs/once/$file runs/again/$file || fail "$file differs"
done

# Two threads: sums are added up in another order.  Losses within 1e-4 of each other over the whole of a short training.
expect 0 "weighted avg" "$emotrain" --config runs/once/config.ini --run threads --set run.threads=2
losses() { grep -o '"epoch_loss": *[0-9.e-]*' "runs/$1/metrics.jsonl" | grep -o '[0-9.e-]*$'; }
[ "$(losses once | wc -l)" = 3 ] || fail "no losses: $(head -3 runs/once/metrics.jsonl)"
paste <(losses once) <(losses threads) | awk '{ d = $1 / $2 - 1; if (d < -1e-4 || d > 1e-4) exit 1 }' ||
  fail "another number of threads: $(paste <(losses once) <(losses threads))"
