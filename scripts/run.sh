#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job on the demo corpus.  Arguments go to emotrain.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/emotrain ] || echo "run: installs what is missing and builds, once: 5 to 10 minutes on two cores.  On a bare Debian" \
  "it downloads 320 MB and takes 1.7 GB of disk; the build is 20 MB of them." >&2
scripts/install.sh $(scripts/packages.sh run)
scripts/set-up.sh build
[ -d datasets/demo ] || scripts/make-demo-corpus.sh datasets/demo
exec build/emotrain --config configs/demo.ini "$@"
