#!/usr/bin/env bash
# Installs what is missing on Debian 12 or 13 and builds into FOLDER (default: build).
#
#   scripts/set-up.sh [FOLDER [CMAKE_OPTION]...]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true

packages=(gcc g++ cmake ninja-build pkg-config libtorch-dev libopenblas0-pthread libsndfile1-dev libsamplerate0-dev
  libsqlite3-dev libinih-dev libcjson-dev libzip-dev nettle-dev zlib1g-dev libsvm-dev libjemalloc-dev gnuplot-nox espeak-ng libcmocka-dev)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "set-up: installing ${missing[*]}" >&2
  sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "set-up: not root and no sudo: as root, apt-get install ${missing[*]}" >&2; exit 1; }
    sudo=sudo
  fi
  $sudo apt-get update -q >&2
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
fi

cmake -S . -B "$folder" -G Ninja "$@" >&2
cmake --build "$folder" >&2
