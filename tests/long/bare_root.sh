#!/bin/bash
# The two commands of the README on a bare Debian 12: a fresh root, a fresh clone, nothing else.
# Takes root, debootstrap and git; BARE_ROOT_COMMANDS replaces the commands that are run.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

commands=${BARE_ROOT_COMMANDS:-./dev demo --check && ./dev test}
root=$(mktemp -d /var/tmp/selvage-bare.XXXXXX)
# the mounts below live in a mount namespace of their own and are gone before this runs
trap 'rm -rf --one-file-system "$root"' EXIT

# the mirror that this machine itself uses, or debootstrap's default
mirror_of_host() {
    # shellcheck disable=SC2016 # apt's variables, not the shell's
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "Debian" && $2 == "bookworm" { print $3; exit }'
}

# how this machine reaches its mirrors: Debian's own sources and proxies, npm's settings, authorities
copy_ways_out() {
    local host=etc/apt/apt.conf.d/99host
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        sed -n 's/^Debian deb /deb /p' | sort -u >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' >"$root/$host" || true
    if [ -f ~/.npmrc ]; then cp ~/.npmrc "$root/root/.npmrc"; fi
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$root/usr/local/share/ca-certificates"
        cp /etc/ssl/certs/ca-certificates.crt "$root/usr/local/share/ca-certificates/host.pem"
    fi
}

enter() {
    # shellcheck disable=SC2016 # expanded inside
    unshare --mount --propagation private bash -euc '
        mount -t proc proc "$1/proc"
        mount --rbind /sys "$1/sys"
        mount --rbind /dev "$1/dev"
        exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
            NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/host.pem \
            bash -c "cd /src/selvage && $2"' enter "$root" "$commands" </dev/null
}

[ "$(id -u)" = 0 ] || { echo "bare_root: takes root" >&2; exit 1; }
# shellcheck disable=SC2046 # no mirror, no argument
debootstrap --variant=minbase bookworm "$root" $(mirror_of_host) >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
copy_ways_out
mkdir "$root/src"
git clone -q . "$root/src/selvage"
if [ -d ../shared/conformance ]; then
    mkdir "$root/src/shared"
    cp -r ../shared/conformance "$root/src/shared/"
fi
enter
