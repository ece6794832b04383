#!/usr/bin/env bash
# Whether the scripts work on a machine with nothing on it: makes a bare Debian (debootstrap --variant=minbase) in a folder,
# copies this checkout's HEAD into it, and runs scripts/run.sh and scripts/test.sh there with an empty environment.
#
#   scripts/fresh-machine.sh bookworm|trixie [run|test|install]     (default: run, then test)
#
# install: only installs the packages, and has gcc and clang configure a build.  Needs root, and 3 GB in EMOTRAIN_ROOTS
# (default: /tmp/emotrain-roots), where the bare Debian is kept for the next time; the rest goes, unless a step failed or
# KEEP=1.  The packages come from EMOTRAIN_MIRROR, or from where this machine's come from.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="fresh-machine.sh bookworm|trixie [run|test|install]"
suite=${1:-} steps=${2:-run test}
[[ $suite =~ ^(bookworm|trixie)$ && $steps =~ ^(run|test|install|run test)$ ]] || { echo "usage: scripts/$usage" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "fresh-machine: needs root, for debootstrap, mounts and chroot" >&2; exit 1; }
# In name spaces of its own: neither mounts nor processes are left behind, however this ends.
[ -n "${EMOTRAIN_INSIDE:-}" ] || EMOTRAIN_INSIDE=1 exec unshare --mount --pid --fork --kill-child "$0" "$@"

scripts/install.sh debootstrap
mirror=${EMOTRAIN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1)}
[ -n "$mirror" ] || { echo "fresh-machine: apt names no mirror here: set EMOTRAIN_MIRROR" >&2; exit 1; }
mkdir -p "${EMOTRAIN_ROOTS:=/tmp/emotrain-roots}"
roots=$(realpath "$EMOTRAIN_ROOTS")
base=$roots/$suite.tar root=$roots/$suite
environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
for name in {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE; do
  [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

inside() { chroot "$root" env -i "${environment[@]}" bash -c 'cd ~/emotrain && exec "$@"' - "$@"; }
install_step() {
  inside bash -c 'scripts/install.sh $(scripts/packages.sh run test) && cmake -S . -B build -G Ninja &&
    CC=clang CXX=clang++ cmake -S . -B build-fuzz -G Ninja -DEMOTRAIN_FUZZ=ON -DEMOTRAIN_SANITIZE=ON'
}
run_step() { inside scripts/run.sh; }
test_step() { inside scripts/test.sh; }
remove_root() { # Never through a mount.
  for at in dev sys proc; do ! mountpoint -q "$root/$at" || umount -R "$root/$at" || umount -R -l "$root/$at"; done
  if findmnt -rno TARGET | grep "^$root/" >&2; then echo "fresh-machine: $root stays: these are mounted in it" >&2; return 1; fi
  rm -rf --one-file-system "$root"
}

remove_root
if [ ! -e "$base" ]; then
  trap remove_root EXIT
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" || { tail -5 "$root.log" >&2; exit 1; }
  tar -C "$root" --numeric-owner -cf "$base.part" .
  mv "$base.part" "$base"
  remove_root
fi
failed=1
trap '[ "$failed$?" != 00 ] || [ -n "${KEEP:-}" ] || remove_root' EXIT
mkdir "$root"
tar -C "$root" -xpf "$base"
# It reaches the network as this machine does.
apt-config dump Acquire | grep -E '^Acquire::(https?|Retries|Check-)[^ ]* "..*"' >"$root/etc/apt/apt.conf.d/90host" || true
for file in /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates; do
  [ ! -e "$file" ] || { mkdir -p "$root${file%/*}" && cp -rL "$file" "$root${file%/*}"; }
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
git clone -q --no-hardlinks . "$root/root/emotrain"

summary=$(printf '%-10s %-8s %6s %8s %9s %9s' "$suite" step status minutes packages "disk (MB)")
failed=0
for step in $steps; do
  since=$SECONDS status=0
  "${step}_step" 2>&1 | tee "$root.$step.log" || status=${PIPESTATUS[0]}
  [ "$status" = 0 ] || failed=1
  summary+=$(printf '\n%-10s %-8s %6d %8.1f %9d %9d' "" "$step" "$status" "$(((SECONDS - since) / 60)).$(((SECONDS - since) % 60 / 6))" \
    "$(ls "$root"/var/lib/dpkg/info/*.list | wc -l)" "$(du -sxm "$root" | cut -f1)")
done
printf '\n%s\n' "$summary"
[ "$failed" = 0 ] || echo "fresh-machine: the root stays in $root, what the steps wrote in $root.*.log" >&2
exit "$failed"
