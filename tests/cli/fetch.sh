#!/usr/bin/env bash
# Models from a hub and the RAVDESS archive, from servers that cut connections, redirect, lie about length, serve wrong
# bytes, want a token, or try to write elsewhere.
. "$(dirname "$0")/lib.sh" "$@"
command -v python3 >/dev/null || skip "no python3 for the server"
tiny_experiment 4
"$emotrain" --config tiny.ini --run seed --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
cp -rL runs/seed/best seed
rm -f seed/optimizer.safetensors seed/trainer_state.json

# The archive: the corpus as it is published, and ones that want to leave their folder.
python3 - <<'PYTHON' || fail "no archives"
import os, stat, zipfile
with zipfile.ZipFile("good.zip", "w") as z:
    for folder, _, files in sorted(os.walk("corpus")):
        for name in sorted(files):
            path = os.path.join(folder, name)
            z.write(path, os.path.relpath(path, "corpus"))
for kind, name in (("up", "../evil"), ("root", "/tmp/evil-emotrain"), ("deep", "a/../../evil"), ("back", "..\\evil")):
    with zipfile.ZipFile(kind + ".zip", "w") as z:
        z.writestr("Actor_01/a.wav", b"x")
        z.writestr(name, b"evil")
with zipfile.ZipFile("link.zip", "w") as z:
    entry = zipfile.ZipInfo("out")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    z.writestr(entry, "/etc")
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("zeros", b"\0" * 50_000_000)
open("none.zip", "wb").write(b"no zip at all")
PYTHON

cp good.zip archive.zip
python3 "$tests/cli/bad_server.py" seed archive.zip asked >port 2>server.err &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$scratch"' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
address=http://127.0.0.1:$(cat port)
export HF_HOME=$scratch/home HF_ENDPOINT=$address HF_TOKEN=secret
unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE http_proxy https_proxy all_proxy
train() { "$emotrain" --config tiny.ini --set train.epochs=1 "$@"; }
cache() { echo "$HF_HOME/hub/models--own--$1"; }
clean() { [ -z "$(find "$(cache "$1")" -name '*.incomplete' 2>/dev/null)" ] || fail "$1: an unfinished file stayed"; }

# Found nowhere, fetched, and then found: the same answers as from the folder, the layout of the hub's own library.
train --run folder --set model.pretrained=seed >/dev/null 2>err || fail "$(cat err)"
train --run good --set model.pretrained=own/good >/dev/null 2>err || fail "$(cat err)"
cmp runs/folder/metrics.jsonl runs/good/metrics.jsonl || fail "fetched, the model is another"
commit=0123456789abcdef0123456789abcdef01234567
[ "$(cat "$(cache good)/refs/main")" = $commit ] || fail "no refs/main"
[ -L "$(cache good)/snapshots/$commit/model.safetensors" ] || fail "the snapshot's file is no link"
cmp seed/model.safetensors "$(cache good)/blobs/$(sha256sum <seed/model.safetensors | cut -d' ' -f1)" || fail "the blob"
grep -q "^revision = $commit" runs/good/config.ini || fail "the run does not say which commit"
clip=$(find corpus -name '*.wav' | sort | head -1)
"$emotrain" predict own/good "$clip" --set audio.resampler=sinc_fastest --set run.threads=1 --set run.precision=float32 --format csv -o hub.csv 2>err || fail "$(cat err)"
"$emotrain" predict seed "$clip" --set audio.resampler=sinc_fastest --set run.threads=1 --set run.precision=float32 --format csv -o folder.csv 2>err || fail "$(cat err)"
cmp hub.csv folder.csv || fail "a model of the hub predicts otherwise by its name"
"$emotrain" predict own/nested/inner/model "$clip" --set audio.resampler=sinc_fastest --set run.threads=1 --set run.precision=float32 --format csv -o hub.csv 2>err || fail "$(cat err)"
cmp hub.csv folder.csv || fail "a model in a subfolder predicts otherwise"
[ -s "$(cache nested)/snapshots/$commit/inner/model/config.json" ] || fail "the subfolder is not in the snapshot"
: >asked
HF_HUB_OFFLINE=1 train --run offline --set model.pretrained=own/good >/dev/null 2>err || fail "$(cat err)"
train --run again --set model.pretrained=own/good >/dev/null 2>err || fail "$(cat err)"
[ ! -s asked ] || fail "what is in the cache was asked for: $(cat asked)"
cmp runs/folder/metrics.jsonl runs/again/metrics.jsonl || fail "from the cache, the model is another"

# The token goes to the hub's host alone, and is not shown.
train --run private --set model.pretrained=own/private >out 2>err || fail "$(cat err)"
grep -q "GET localhost /cdn/private/model.safetensors?signature=private - " asked || fail "a token left the hub: $(cat asked)"
grep -q "127.0.0.1 /own/private/resolve/main/config.json Bearer_secret" asked || fail "no token came to the hub: $(cat asked)"
grep -rqs "secret\|signature" out err runs/private && fail "a secret is shown"
HF_TOKEN=wrong expect_error 1 "needs a token.*401" "$emotrain" fetch own/private other
mkdir -p home2 && printf 'secret\n' >home2/token
HF_TOKEN='' HF_HOME=$PWD/home2 expect 0 "models--own--private" "$emotrain" fetch own/private

# Connections that break, servers that are busy, that cannot resume.
for kind in cut norange flaky shards; do
  expect 0 "snapshots/$commit" "$emotrain" fetch own/$kind
  clean $kind
done
[ "$(grep -c 'GET localhost /cdn/cut/.* bytes=' asked)" -gt 1 ] || fail "cut: it did not resume"
cmp seed/model.safetensors "$(cache cut)/snapshots/$commit/model.safetensors" || fail "cut: other bytes"
cmp seed/model.safetensors "$(cache norange)/snapshots/$commit/model.safetensors" || fail "norange: other bytes"
train --run shards --set model.pretrained=own/shards >/dev/null 2>err || fail "$(cat err)"
cmp runs/folder/metrics.jsonl runs/shards/metrics.jsonl || fail "shards: another model"

# Killed in the middle, it goes on from there; two at once fetch one file once.
"$emotrain" fetch own/dead >/dev/null 2>err &
sleep 1
kill -9 $!
wait $! 2>/dev/null
mv "$(cache dead)" "$(cache cut2)" 2>/dev/null
: >asked
"$emotrain" fetch own/cut pair >/dev/null 2>err & a=$!
"$emotrain" fetch own/cut pair2 >/dev/null 2>err2 & b=$!
wait $a && wait $b || fail "two at once: $(cat err err2)"
cmp seed/model.safetensors pair/model.safetensors && cmp seed/model.safetensors pair2/model.safetensors || fail "two at once"

# What is refused, each with one line, and without leaving a model behind.
refuse() {
  expect_error 1 "$2" "$emotrain" fetch "own/$1"
  [ ! -e "$(cache "$1")/snapshots/$commit/model.safetensors" ] || fail "$1: a model was left"
  [ ! -e "$(cache "$1")/refs/main" ] || fail "$1: the cache takes it for whole"
}
refuse wrong "checksum is .* not .* as the server says"
refuse short "bytes of"
refuse liar "bytes of"
refuse long "longer than the .* announced"
refuse endless "longer than the 67108864 bytes that a file may have"
refuse gone "no config.json at revision"
refuse loop "on and on"
refuse file "points to this address; only http"
refuse badtag "no usable ETag"
refuse nocommit "does not say which commit"
refuse escape "is not in a file beside it"
clean wrong
clean long
[ -z "$(find . "$HF_HOME" -name '*evil*')" ] || fail "something was written elsewhere"
expect_error 1 "at revision \"no-such\"" "$emotrain" fetch own/good@no-such
expect_error 2 "a branch, tag or commit" "$emotrain" fetch own/good@../evil
expect_error 2 "fetch takes" "$emotrain" fetch nonsense
expect_error 1 "HF_HUB_OFFLINE is set" env HF_HUB_OFFLINE=1 "$emotrain" --config tiny.ini --set model.pretrained=own/absent --run no
expect_error 1 "own/absent.*onnect" env HF_ENDPOINT=http://127.0.0.1:1 "$emotrain" --config tiny.ini --set model.pretrained=own/absent --run no
[ ! -e runs/no ] || fail "a run that could not begin left a folder"

# Zenodo: fetched, checked, unpacked; then trained on.
zenodo() { EMOTRAIN_ZENODO=$address/$1 "$emotrain" fetch ravdess "$2"; }
export -f zenodo
export address emotrain
echo mine >raw.zip # a file of the user's own
expect 0 "^raw$" bash -c "zenodo plain raw"
[ "$(cat raw.zip)" = mine ] || fail "the user's own archive was taken for RAVDESS"
rm raw.zip
diff -r corpus raw || fail "unpacked, the corpus is another"
[ ! -e raw.fetching.zip ] || fail "the archive stayed"
"$emotrain" --config tiny.ini --run fetched --set corpus.root=raw --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
expect 0 "^cut$" bash -c "zenodo cut cut"
diff -r corpus cut || fail "cut: another corpus"
expect_error 1 "checksum is" bash -c "zenodo wrong wrong"
expect_error 1 "publishes no MD5" bash -c "zenodo nomd5 nomd5"
expect_error 2 "there already" bash -c "zenodo plain raw"
for kind in up root deep back link; do
  cp $kind.zip archive.zip
  expect_error 1 "not be a file inside" bash -c "zenodo plain $kind"
done
cp bomb.zip archive.zip
expect_error 1 "larger than it can be" bash -c "zenodo plain bomb"
cp none.zip archive.zip
expect_error 1 "not a zip archive" bash -c "zenodo plain none"
for kind in wrong nomd5 up root deep back link bomb none; do
  [ ! -e $kind ] && [ ! -e $kind.unpacking ] || fail "$kind: something was left"
done
[ ! -e evil ] && [ ! -e /tmp/evil-emotrain ] || fail "an archive wrote elsewhere"
