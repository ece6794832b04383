#!/usr/bin/env bash
# Installs what is missing on Debian 12 or 13 and builds into FOLDER (default: build).
#
#   scripts/set-up.sh [FOLDER [CMAKE_OPTION]...]     (TARGETS="NAME..." builds only those)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true

scripts/install.sh $(scripts/packages.sh build)

cmake -S . -B "$folder" -G Ninja "$@" >&2
cmake --build "$folder" ${TARGETS:+--target $TARGETS} >&2
