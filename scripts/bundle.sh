#!/usr/bin/env bash
# One archive for a machine without a network: the program, the libraries that it needs, libtorch among them, configurations, and
# model directories.  It runs where it is unpacked, on a system whose C library is no older than this one's.
#
#   scripts/bundle.sh [--torch debian|pypi|pypi==VERSION|FOLDER] FILE.tar.gz [MODEL_DIRECTORY]...
#
# There: tar xzf FILE.tar.gz && emotrain/bin/emotrain predict emotrain/models/NAME recordings.  Charts need gnuplot; pages do not.
set -euo pipefail
here=$PWD
absolute() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }
[ "${1:-}" != --torch ] || [ ! -d "${2:-}" ] || set -- --torch "$(realpath "$2")" "${@:3}" # a folder as the caller sees it
cd "$(dirname "$0")/.."
torch=debian
if [ "${1:-}" = --torch ]; then torch=$2; shift 2; fi
file=${1:?usage: scripts/bundle.sh [--torch SPEC] FILE.tar.gz [MODEL_DIRECTORY]...}
shift
file=$(absolute "$file")
models=()
for model in "$@"; do models+=("$(absolute "$model")"); done
set -- "${models[@]}"
names=$(for model in "$@"; do basename "$model"; done | sort | uniq -d)
[ -z "$names" ] || { echo "bundle: two models are called $names" >&2; exit 2; }
for model in "$@"; do
  [ -e "$model/config.json" ] || [ -e "$model/config.yaml" ] || { echo "bundle: $model is no model directory" >&2; exit 2; }
done
TARGETS="emotrain" scripts/set-up.sh --torch "$torch"
found=$(scripts/torch.sh "$torch")
build=${found%% *}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/emotrain
mkdir -p "$root"/{bin,lib,program,models,configs}
cp "$build/emotrain" "$build"/emotrain-*.so "$root/program/"
cp -r configs/. "$root/configs/"
cp -r README.md CHANGELOG.md LICENSE docs "$root/"
for model in "$@"; do cp -rL "$model" "$root/models/"; done

# What both are linked with, but for the C library and the loader, which must be the system's.
ldd "$build/emotrain" "$build"/emotrain-*.so | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libutil|ld-linux[^/]*)\.so' | while read -r library; do
    cp -L "$library" "$root/lib/$(basename "$library")"
  done
# What CUDA's libraries open themselves when they are needed.
case $torch in
  pypi*)
    packages=${build#build-}
    find "libtorch/$packages/torch/lib" "libtorch/$packages"/nvidia/*/lib -name '*.so*' ! -name '*.alt.*' -exec cp -Ln {} "$root/lib/" \;
    ;;
esac
! ldd "$build/emotrain-tensor.so" | grep "not found" >&2 || { echo "bundle: libraries are missing" >&2; exit 1; }
cat >"$root/bin/emotrain" <<'END'
#!/bin/sh
# The program of this folder with the libraries of this folder.
folder=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$folder/program/emotrain" "$@"
END
chmod +x "$root/bin/emotrain"
tar czf "$file.part" -C "$work" emotrain
mv "$file.part" "$file"
echo "bundle: $file, $(du -h "$file" | cut -f1); libtorch of $torch, $(ls "$root/models" | wc -l) models" >&2
