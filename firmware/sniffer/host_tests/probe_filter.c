/*
 * 802.11 frames in, serial lines out: the sniffer's core as a program for tests.
 * stdin: the 16-byte key, then frames as length (2 bytes, little endian) and bytes.
 * stdout: a 17-byte line for each probe request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

static int read_all(uint8_t *to, size_t length) {
    return fread(to, 1, length, stdin) == length;
}

int main(void) {
    uint8_t key[SIPHASH_KEY_BYTES];
    uint8_t head[2];
    if (!read_all(key, sizeof key)) {
        return 2;
    }
    while (read_all(head, sizeof head)) {
        size_t length = (size_t)head[0] | (size_t)head[1] << 8;
        /* Exactly as long as the frame, so that reading past it is seen by the sanitizer. */
        uint8_t *frame = malloc(length ? length : 1);
        if (frame == NULL || !read_all(frame, length)) {
            free(frame);
            return 2;
        }
        probe_record_t record;
        uint8_t line[PROBE_FRAME_BYTES];
        if (probe_read(frame, length, key, &record)) {
            probe_write(&record, line);
            fwrite(line, 1, sizeof line, stdout);
        }
        free(frame);
    }
    return 0;
}
