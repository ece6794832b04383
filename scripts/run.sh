#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job on the demo corpus.  Arguments go to emotrain.
#
#   scripts/run.sh [--torch debian|pypi|pypi==VERSION|FOLDER] [ARGUMENT]...
#
# --torch says which libtorch: Debian's, the default; PyPI's, which is newer and knows CUDA; or one at hand (scripts/torch.sh).
set -euo pipefail
[ "${1:-}" != --torch ] || [ ! -d "${2:-}" ] || set -- --torch "$(realpath "$2")" "${@:3}" # a folder as the caller sees it
cd "$(dirname "$0")/.."
folder=build torch=debian
if [ "${1:-}" = --torch ]; then
  torch=${2:?run: --torch debian, pypi, pypi==VERSION or a folder}
  shift 2
  found=$(scripts/torch.sh "$torch")
  folder=${found%% *}
fi
[ -x "$folder/emotrain" ] || echo "run: installs what is missing and builds, once: 5 to 17 minutes on two cores.  On a bare Debian" \
  "it downloads 320 MB and takes 1.7 GB of disk; the build is 20 MB of them." >&2
scripts/install.sh $(scripts/packages.sh run)
scripts/set-up.sh --torch "$torch"
[ -d datasets/demo ] || scripts/make-demo-corpus.sh datasets/demo
exec "$folder/emotrain" --config configs/demo.ini "$@"
