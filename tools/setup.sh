# setup.sh: what tools/test and tools/demo share: messages, and installing what a build needs on Debian and Ubuntu.
# Sourced by them; it changes nothing by itself. shellcheck shell=bash

unset CDPATH # with it, `cd` from where a script is called may lead into another tree

say() { printf '\n== %s\n' "$*"; }
die() {
    printf 'tools/%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages are missing and this is neither root nor a machine with sudo; as root: $*"
    fi
}

is_installed() { dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$'; }
is_offered() { [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([^(].*\)/\1/p')" ]; }

read_package_lists() {
    say "reading the package lists"
    as_root apt-get -q update || echo "the package lists could not all be read; going on with those that are there"
}

# What a build and a software driver need.
build_packages=(gcc g++ libc6-dev cmake ninja-build make pkg-config libvulkan-dev libvulkan-volk-dev mesa-vulkan-drivers
    glslc spirv-tools libstb-dev libcjson-dev)

# What a build takes where it is there: JPEG as Pillow decodes it; what fits linear probes.
liked_packages=(libjpeg62-turbo-dev libjpeg-turbo8-dev liblbfgs-dev)

# generator_of BUILD_DIR: what it was configured for, if it was; plain CMake takes make, the presets ninja.
generator_of() { sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$1/CMakeCache.txt" 2>/dev/null || true; }

# install_packages NEEDED ... [-- LIKED ...]: installs those that are missing; of the liked ones only what is offered.
install_packages() {
    local missing=() wanted=() liked= package
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "no apt-get here: installing nothing"
        return 0
    fi
    for package; do
        if [ "$package" = -- ]; then
            liked=yes
        elif ! is_installed "$package"; then
            if [ -n "$liked" ]; then wanted+=("$package"); else missing+=("$package"); fi
        fi
    done
    [ ${#missing[@]} -eq 0 ] || read_package_lists
    for package in "${wanted[@]}"; do is_offered "$package" && missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" ||
        die "installing failed; see above"
}
