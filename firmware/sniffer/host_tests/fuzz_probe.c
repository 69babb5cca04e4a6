/* libFuzzer entry: any bytes as a frame; clang -fsanitize=fuzzer,address,undefined. */
#include "probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    static const uint8_t key[SIPHASH_KEY_BYTES] = {1, 2, 3};
    probe_record_t record;
    uint8_t line[PROBE_FRAME_BYTES];
    if (probe_read(data, length, key, &record)) {
        probe_write(&record, line);
    }
    return 0;
}
