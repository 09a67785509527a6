#!/usr/bin/env bash
# Installs what Argo needs on Debian 12 (as root or with sudo), builds it, installs it into a
# prefix, and runs the example: a code review of a small change, without any key.
#
#   tools/packaging/debian.sh [PREFIX]      (default: build/prefix in this directory)
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=$(realpath -m "${1:-build/prefix}")

packages="meson ninja-build pkg-config gcc libc6-dev libmicrohttpd-dev libjansson-dev
  libcurl4-openssl-dev libsqlite3-dev libyaml-dev libpcre2-dev nettle-dev libedit-dev git"
missing=()
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null
fi

if [ ! -f build/install/build.ninja ]; then
    meson setup build/install --buildtype=release -Dtests=false --prefix="$prefix" --libdir=lib
else
    meson configure build/install --prefix="$prefix"
fi
meson install -C build/install --quiet
echo "Argo is installed in $prefix"
echo
exec bash docs/examples/code_review/run.sh "$prefix"
