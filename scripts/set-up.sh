#!/usr/bin/env bash
# Installs what is missing on Debian 12 or 13 and builds into FOLDER (default: build, or what --torch says).
#
#   scripts/set-up.sh [--torch debian|pypi|pypi==VERSION|FOLDER] [FOLDER [CMAKE_OPTION]...]     (TARGETS="NAME..." builds only those)
set -euo pipefail
[ "${1:-}" != --torch ] || [ ! -d "${2:-}" ] || set -- --torch "$(realpath "$2")" "${@:3}" # a folder as the caller sees it
cd "$(dirname "$0")/.."
torch=(build)
if [ "${1:-}" = --torch ]; then
  found=$(scripts/torch.sh "$2")
  read -ra torch <<<"$found"
  shift 2
fi
folder=${1:-${torch[0]}}
shift || true

scripts/install.sh $(scripts/packages.sh build)

cmake -S . -B "$folder" -G Ninja "${torch[@]:1}" "$@" >&2
cmake --build "$folder" ${TARGETS:+--target $TARGETS} >&2
