#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job on the demo corpus.  Arguments go to emotrain.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/set-up.sh build
[ -d datasets/demo ] || scripts/make-demo-corpus.sh datasets/demo
exec build/emotrain --config configs/demo.ini "$@"
