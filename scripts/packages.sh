#!/usr/bin/env bash
# The Debian packages that the scripts need, by what they are for.  Every script's packages are named here and only here.
#
#   scripts/packages.sh USE...     prints those of each use: build, run, test, fuzz, pypi, page, check, coverage
set -euo pipefail
for use in "$@"; do
  case $use in
    build)
      echo gcc g++ cmake ninja-build pkg-config libtorch-dev libdnnl-dev libgloo-dev libcurl4-openssl-dev libopenblas0-pthread \
        libsndfile1-dev libsamplerate0-dev libsqlite3-dev libinih-dev libcjson-dev libzip-dev libyaml-dev libunistring-dev nettle-dev zlib1g-dev libsvm-dev liblbfgs-dev \
        libjemalloc-dev libcmocka-dev libavformat-dev libavcodec-dev libavutil-dev
      ;;
    run) "$0" build; echo espeak-ng gnuplot-nox ;; # the demo corpus, charts
    test) # catalogues, the server of fetch.sh, hosts and processes of ranks.sh, the .deb of install.sh
      "$0" run fuzz
      echo sqlite3 python3 iproute2 procps dpkg-dev file
      ;;
    fuzz) "$0" build; echo clang libclang-rt-dev libomp-dev ;;
    pypi) echo python3 python3-pip ;; # scripts/torch.sh
    page) echo chromium ;; # the test of the report page, which is skipped without it
    check) "$0" run; echo clang-tidy cppcheck valgrind clang-format ;;
    coverage) "$0" test; echo gcovr ;;
    *) echo "packages: no use \"$use\"" >&2; exit 2 ;;
  esac
done | tr ' ' '\n' | sort -u
