#!/usr/bin/env bash
# A libtorch to build against.  Prints the folder to build in and, where there is one, the option for CMake.
#
#   scripts/torch.sh debian              Debian's libtorch-dev, which scripts/packages.sh names
#   scripts/torch.sh pypi[==VERSION]     the package torch of PyPI with the CUDA libraries that it needs, into libtorch/pypi-VERSION
#                                        (pypi-newest, which stays as it is until it is removed):
#                                        3 GB to download, 5 GB of disk; pip fetches it, and nothing of Python is kept
#   scripts/torch.sh FOLDER              one that is there: with include/ and lib/
set -euo pipefail
spec=${1:?usage: scripts/torch.sh debian|pypi[==VERSION]|FOLDER}
[ ! -e "$spec" ] || spec=$(realpath "$spec") # as the caller sees it
cd "$(dirname "$0")/.."

fetch() { # the version asked for, or "" for the newest; prints its folder
  set -e # which $(...) clears
  local version=$1 folder found=
  folder=libtorch/pypi-${version:-newest}
  if [ ! -e "$folder/torch/lib/libtorch.so" ]; then
    scripts/install.sh $(scripts/packages.sh pypi)
    echo "torch: fetching torch${version:+ $version} from PyPI, with CUDA's libraries: 3 GB" >&2
    mkdir -p libtorch
    new=libtorch/new.$$
    trap 'rm -rf "$new"' EXIT # killed or failed, nothing is left that looks whole
    # Wheels differ by Python's version, the libraries in them do not: what this Python has none for, another one's will do.
    for other in "" "--python-version 3.11 --only-binary=:all:"; do
      rm -rf "$new"
      if python3 -m pip install -q --root-user-action=ignore --no-warn-conflicts --target "$new" $other "torch${version:+==$version}" >&2; then
        found=1
        break
      fi
    done
    [ -n "$found" ] && [ -e "$new/torch/lib/libtorch.so" ] || { echo "torch: PyPI gave no torch${version:+ $version}" >&2; exit 1; }
    find "$new" -mindepth 1 -maxdepth 1 ! -name torch ! -name nvidia ! -name cusparselt -exec rm -rf {} +
    find "$new/torch" -mindepth 1 -maxdepth 1 ! -name lib ! -name include ! -name share -exec rm -rf {} +
    rm -rf "$new"/torch/lib/libtorch_python.so "$folder"
    mv "$new" "$folder"
  fi
  echo "$folder"
}

case $spec in
  debian) echo build ;;
  pypi | pypi==*)
    version=${spec#pypi}
    folder=$(fetch "${version#==}")
    echo "build-${folder#libtorch/} -DEMOTRAIN_TORCH=$PWD/$folder/torch"
    ;;
  *)
    [ -e "$spec/lib/libtorch.so" ] || { echo "torch: $spec has no lib/libtorch.so; --torch takes debian, pypi, pypi==VERSION or such a folder" >&2; exit 2; }
    echo "build-torch -DEMOTRAIN_TORCH=$(realpath "$spec")"
    ;;
esac
