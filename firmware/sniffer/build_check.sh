#!/bin/sh
# Compiles the sniffer as far as the compilers on this machine go, and says how far that was.
# Debian: apt install gcc-xtensa-lx106 gcc-riscv64-unknown-elf clang libclang-rt-14-dev
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
strict="-std=c11 -Os -Wall -Wextra -Werror"

cross() {
    label=$1
    compiler=$2
    shift 2
    if ! command -v "$compiler" >/dev/null 2>&1; then
        echo "$label: not compiled, $compiler is not installed"
        return
    fi
    for source in core/*.c; do
        "$compiler" $strict "$@" -c "$source" -o "$out/$(basename "$source").o"
    done
    echo "$label: core compiles, $(size -t "$out"/*.o | awk 'END { print $1 }') B of code"
    rm -f "$out"/*.o
}

# The lx106 is the ESP8266's core: the nearest to an ESP32 (LX6) that Debian packages.
cross "Xtensa (lx106)" xtensa-lx106-elf-gcc -ffreestanding
cross "RISC-V (ESP32-C3: rv32imc)" riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 -ffreestanding

options="-Icore -Iesp -Ihost_tests/stubs -DCONFIG_HAIDANG_TX_PIN=17 -DCONFIG_HAIDANG_BAUD=115200"
options="$options -DCONFIG_HAIDANG_WINDOW_S=60 -DCONFIG_HAIDANG_DWELL_MS=250"
for source in esp/*.c esp_idf/main/*.c micropython/*.c; do
    gcc -std=gnu11 -fsyntax-only -Wall -Wextra -Werror $options "$source"
done
echo "glue: syntax and types hold against stub headers; NOT built with ESP-IDF, never run on a chip"

if command -v clang >/dev/null 2>&1; then
    clang -g -O1 -fsanitize=fuzzer,address,undefined -Icore -o "$out/fuzz" host_tests/fuzz_probe.c core/*.c
    (cd "$out" && ./fuzz -runs="${RUNS:-500000}" -max_len=512 2>/dev/null)
    echo "fuzzer: ${RUNS:-500000} inputs, nothing found"
else
    echo "fuzzer: not run, clang is not installed"
fi
