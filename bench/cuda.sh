#!/usr/bin/env bash
# On a machine with a CUDA GPU: builds against a libtorch for it, runs the tests, holds the network on the GPU against the
# independent numbers, trains with NCCL by one rank, and compares speed and memory with transformers in one run.
#
#   bench/cuda.sh LIBTORCH [emotrain options for the comparison]...
#
# LIBTORCH: the folder of PyTorch's libtorch, or of a Python's torch (python3 -c 'import torch; print(torch.utils.cmake_prefix_path)').
# The comparison needs a python3 with torch and transformers (PYTHON=...), and the recordings of --config's corpus.
set -euo pipefail
libtorch=$(realpath "${1:?usage: bench/cuda.sh LIBTORCH [OPTION]...}")
shift
cd "$(dirname "$0")/.."
scripts/install.sh $(scripts/packages.sh test)
scripts/set-up.sh build-cuda -DCMAKE_PREFIX_PATH="$libtorch"
build-cuda/emotrain doctor
ctest --test-dir build-cuda -j"$(nproc)" --output-on-failure
EMOTRAIN_TEST_DEVICE=cuda ctest --test-dir build-cuda -R parity --output-on-failure
[ -d datasets/demo ] || scripts/make-demo-corpus.sh datasets/demo
demo=(--config configs/demo.ini --set run.device=cuda --set train.epochs=1)
build-cuda/emotrain "${demo[@]}" --run "cuda-$$"
RANK=0 WORLD_SIZE=1 LOCAL_RANK=0 build-cuda/emotrain "${demo[@]}" --run "nccl-$$"
[ $# -gt 0 ] || set -- --config configs/ravdess.ini --set model.pretrained=configs/models/xlsr.json
bench/speed.py bench/peer_transformers.py "$@" --set run.device=cuda --batch 8 --accumulate 1 --steps 10 --rounds 5 \
  --emotrain build-cuda/emotrain --python "${PYTHON:-python3}"
