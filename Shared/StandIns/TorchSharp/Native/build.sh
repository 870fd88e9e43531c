#!/bin/sh
# Builds liborchestrator_torch.so into OUTDIR (default: artifacts/native of this repository). Does nothing when the sources and
# libtorch are those of the last build.
#   ORCHESTRATOR_LIBTORCH=DIR   use this unpacked libtorch (CPU or CUDA) instead of the system's
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
out=${1:-$root/artifacts/native}
libtorch=${ORCHESTRATOR_LIBTORCH:-}

fail() {
    echo "$1" >&2
    exit 1
}

if [ -n "$libtorch" ]; then
    libtorch=$(cd "$libtorch" 2>/dev/null && pwd) || fail "ORCHESTRATOR_LIBTORCH names '$ORCHESTRATOR_LIBTORCH', which is no folder. Unpack a libtorch there."
    [ -e "$libtorch/share/cmake/Torch/TorchConfig.cmake" ] ||
        fail "ORCHESTRATOR_LIBTORCH names '$libtorch', which has no share/cmake/Torch/TorchConfig.cmake. Name the folder 'libtorch' out of the archive from pytorch.org (C++/Java, cxx11 ABI)."
    library=$libtorch/lib/libtorch_cpu.so
else
    library=$(ls /usr/lib/*/libtorch_cpu.so /usr/lib/libtorch_cpu.so /usr/lib64/libtorch_cpu.so 2>/dev/null | head -n 1 || true)
    [ -n "$library" ] ||
        fail "No libtorch was found. Install it with 'apt-get install libtorch-dev libopenblas0-pthread cmake g++', or set ORCHESTRATOR_LIBTORCH to the folder of an unpacked libtorch."
fi

# The stamp names everything that the result depends on.
stamp=$({ echo "$library"; stat -L -c '%s %Y' "$library"; cat "$here"/*.cc "$here"/*.h "$here/CMakeLists.txt" "$here/build.sh"; } | sha256sum | cut -d' ' -f1)
target=$out/liborchestrator_torch.so
if [ -e "$target" ] && [ "$(cat "$out/liborchestrator_torch.stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

for tool in cmake c++ make; do
    command -v "$tool" >/dev/null || fail "The native library needs '$tool' to be built. Install it with 'apt-get install cmake g++ make'."
done

mkdir -p "$out"
# One build at a time; whoever waited finds the work done.
exec 9>"$out/build.lock"
flock 9
if [ -e "$target" ] && [ "$(cat "$out/liborchestrator_torch.stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

work=$out/build
log=$out/build.log
echo "Building the libtorch shim (about half a minute, once)..." >&2
# A build folder of another libtorch or another place is of no use.
if [ "$(cat "$work/origin" 2>/dev/null)" != "$here $library" ]; then
    rm -rf "$work"
fi
mkdir -p "$work"
echo "$here $library" >"$work/origin"
{
    cmake -S "$here" -B "$work" -DCMAKE_BUILD_TYPE=Release -DLIBTORCH="$libtorch" &&
        cmake --build "$work" --parallel "$(nproc)"
} >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    fail "The libtorch shim could not be built; the whole log is in $log. It needs libtorch 1.13 or newer and a C++17 compiler."
}
cp "$work/liborchestrator_torch.so" "$target.new"
mv "$target.new" "$target"
echo "$stamp" >"$out/liborchestrator_torch.stamp"
