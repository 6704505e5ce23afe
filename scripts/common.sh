# What the other scripts share; sourced, never run. Everything is relative to the repository's root.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  echo "$(basename "$0"): $*" >&2
  exit 2
}

# need_value OPTION COUNT: COUNT arguments are left, OPTION among them; it takes a value.
need_value() {
  [[ $2 -ge 2 ]] || die "$1 needs a value"
}

# configure FOLDER [CMAKE ARGUMENT...]: Ninja for a new folder; an existing one keeps its generator.
configure() {
  local folder=$1 generator=()
  shift
  [[ -f $folder/CMakeCache.txt ]] || generator=(-G Ninja)
  cmake -S . -B "$folder" "${generator[@]}" "$@" >"$folder.configure.log" 2>&1 || {
    cat "$folder.configure.log" >&2
    die "cmake could not configure $folder"
  }
  mv "$folder.configure.log" "$folder/configure.log"
}

# build FOLDER [CMAKE ARGUMENT...]: all cores.
build() {
  local folder=$1
  shift
  cmake --build "$folder" --parallel "$(nproc)" "$@"
}
