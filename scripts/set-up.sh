#!/usr/bin/env bash
# Installs what is missing on Debian 12 or 13 and builds into FOLDER (default: build).
#
#   scripts/set-up.sh [FOLDER [CMAKE_OPTION]...]     (TARGETS="NAME..." builds only those)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true

scripts/install.sh gcc g++ cmake ninja-build pkg-config libtorch-dev libdnnl-dev libgloo-dev libcurl4-openssl-dev libopenblas0-pthread libsndfile1-dev \
  libsamplerate0-dev libsqlite3-dev libinih-dev libcjson-dev libzip-dev nettle-dev zlib1g-dev libsvm-dev \
  libjemalloc-dev sqlite3 gnuplot-nox espeak-ng libcmocka-dev

cmake -S . -B "$folder" -G Ninja "$@" >&2
cmake --build "$folder" ${TARGETS:+--target $TARGETS} >&2
