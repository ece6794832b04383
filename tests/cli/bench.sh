#!/usr/bin/env bash
# emotrain bench: every number that it promises, as a table and as JSON, and nothing of a run left behind.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4

expect 0 "^ceiling .*GFLOP/s" "$emotrain" bench --config tiny.ini --steps 2
for line in "^training .* clips/s" "^prediction .* clips/s" "^memory .*GiB" "^load " "^feature encoder " "^forward " "^backward " "^optimizer "; do
  grep -q "$line" out || fail "no \"$line\" in: $(cat out)"
done
expect 0 'model: ' "$emotrain" bench --config tiny.ini --steps 2 --format json -o bench.json
[ ! -s out ] && grep -q '"clips_per_second": *[0-9.]*' bench.json && grep -q '"ceiling' bench.json || fail "JSON: $(cat out bench.json)"
expect 0 "^training .* clips/s" "$emotrain" bench --config tiny.ini --steps 1 --set model.kind=cnn --set model.pretrained="$tests/cli/tiny_cnn.json"
[ "$(ls runs)" = "$(printf 'cache\nemotrain.db')" ] || fail "a bench left a run: $(ls runs)"
expect_error 2 "steps" "$emotrain" bench --config tiny.ini --steps none
expect_error 2 "format" "$emotrain" bench --config tiny.ini --format yaml
