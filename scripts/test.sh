#!/usr/bin/env bash
# Installs what is missing, builds, fuzzes for a moment (EMOTRAIN_FUZZ_SECONDS of each target, default 10; 0: not at all), and
# runs every test.  With --sanitize: the tests alone, built with the address and undefined-behaviour sanitizers; with
# --sanitize=thread, those of threads, with that sanitizer.  --torch SPEC, first: with that libtorch (scripts/torch.sh), the
# tests alone.  Other arguments go to ctest.
set -euo pipefail
[ "${1:-}" != --torch ] || [ ! -d "${2:-}" ] || set -- --torch "$(realpath "$2")" "${@:3}" # a folder as the caller sees it
cd "$(dirname "$0")/.."
[ -d build-fuzz ] || echo "test: installs what is missing, builds, fuzzes and runs every test: about 15 minutes on two cores after scripts/run.sh." \
  "Packages and builds take 0.6 GB of disk more; 65 MB of them are downloaded." >&2
scripts/install.sh $(scripts/packages.sh test)
case ${1:-} in
  --torch)
    scripts/set-up.sh --torch "$2"
    found=$(scripts/torch.sh "$2")
    shift 2
    exec ctest --test-dir "${found%% *}" -j"$(nproc)" --output-on-failure "$@"
    ;;
  --sanitize)
    shift
    scripts/set-up.sh build-sanitize -DEMOTRAIN_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
    export UBSAN_OPTIONS=print_stacktrace=1
    exec ctest --test-dir build-sanitize -j"$(nproc)" --output-on-failure "$@"
    ;;
  --sanitize=thread)
    shift
    scripts/set-up.sh build-thread -DEMOTRAIN_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo
    # libgomp's barriers are unknown to the sanitizer: one thread for it, and all of ours.  Newer kernels place memory where
    # the sanitizer has none, unless addresses are not random (setarch -R).
    export OMP_NUM_THREADS=1 TSAN_OPTIONS="suppressions=$PWD/tests/thread.supp"
    exec setarch -R ctest --test-dir build-thread --output-on-failure -R 'test_(base|audio|corpus|store|sweep|train|formats|library)' "$@"
    ;;
esac
scripts/set-up.sh build
[ "${EMOTRAIN_FUZZ_SECONDS:-10}" = 0 ] || scripts/fuzz.sh --seconds "${EMOTRAIN_FUZZ_SECONDS:-10}"
exec ctest --test-dir build -j"$(nproc)" --output-on-failure "$@"
