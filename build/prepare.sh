#!/usr/bin/env bash
# What ./orchestrator and ./test share: installs missing Debian packages and builds the native shim and the solution when sources changed.
# Sourced; expects ROOT. Everything it prints goes to standard error.

say() { printf '%s\n' "$*" >&2; }

fail() { say "$*"; exit 1; }

# need_packages PACKAGE...: installs what is missing with apt-get, said on one line before it happens.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Packages are missing: ${missing[*]}. Install them as root: apt-get install --no-install-recommends ${missing[*]}"
    sudo=(sudo)
  fi
  say "Installing with ${sudo[*]:+sudo }apt-get: ${missing[*]}"
  local log="$ROOT/artifacts/apt.log"
  { "${sudo[@]}" apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; fail "apt-get could not install ${missing[*]}; the whole output is in $log."; }
}

# need_system: the compiler, .NET and libtorch, or the exact cure where apt-get cannot bring them.
need_system() {
  mkdir -p "$ROOT/artifacts"
  if [ -z "${ORCHESTRATOR_LIBTORCH:-}" ]; then
    if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
      need_packages cmake g++ libtorch-dev libopenblas0-pthread
    elif [ ! -f "$ROOT/artifacts/native/liborchestrator_torch.so" ]; then
      fail "This system has no apt-get, so libtorch cannot be installed for you. Unpack a libtorch (CPU or CUDA, 1.13 or 2.x) anywhere, install cmake and g++, and set ORCHESTRATOR_LIBTORCH=DIR; or build the image in deploy/Dockerfile."
    fi
  fi
  command -v dotnet >/dev/null || fail "The .NET 10 SDK is missing (no dotnet on PATH). Install it, or build the image in deploy/Dockerfile."
}

# is_stale STAMP: whether a source, project or script is newer than the stamp.
is_stale() {
  [ ! -f "$1" ] && return 0
  [ -n "$(find "$ROOT" -path "$ROOT/artifacts" -prune -o -path "$ROOT/runs" -prune -o -path "$ROOT/.git" -prune -o \
    \( -name '*.cs' -o -name '*.proto' -o -name '*.csproj' -o -name '*.props' -o -name '*.targets' -o -name '*.sln' -o -name '*.cc' -o -name '*.h' \
       -o -name CMakeLists.txt -o -name global.json -o -name .editorconfig \) -newer "$1" -print -quit 2>/dev/null)" ]
}

# build_all LABEL PROJECT...: the shim, then the projects in Release; skipped when nothing changed since the last time.
build_all() {
  local label=$1 stamp="$ROOT/artifacts/.built-$1" log="$ROOT/artifacts/build-$1.log" project
  shift
  is_stale "$stamp" || return 0
  exec 9>"$ROOT/artifacts/.build-lock"
  flock 9
  if is_stale "$stamp"; then
    touch "$stamp.next"
    say "Building ($label; about a minute the first time, log in artifacts/build-$label.log)"
    : >"$log"
    bash "$ROOT/Shared/StandIns/TorchSharp/Native/build.sh" >>"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "The native shim does not build; the whole output is in $log."; }
    dotnet restore "$ROOT/build/ahead" -v quiet -nologo >>"$log" 2>&1 ||
      say "The feed has no compiler for machine code ahead of time (log in artifacts/build-$label.log): programs start slower, all else is the same."
    for project in "$@"; do
      dotnet build "$ROOT/$project" -c Release -v quiet -nologo >>"$log" 2>&1 ||
        { grep -E 'error|warning' "$log" | sort -u | head -n 20 >&2; fail "$project does not build; the whole output is in $log."; }
    done
    mv "$stamp.next" "$stamp"
  fi
  exec 9>&-
}
