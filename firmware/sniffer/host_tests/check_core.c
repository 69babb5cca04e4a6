/* Checks of hash, ring and window; exit code 0 when all hold, the failing line otherwise. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "probe_ring.h"
#include "probe_window.h"

#define CHECK(holds)                                             \
    do {                                                         \
        if (!(holds)) {                                          \
            fprintf(stderr, "line %d: " #holds "\n", __LINE__);  \
            return 1;                                            \
        }                                                        \
    } while (0)

#define STREAMED 200000u

static probe_ring_t ring;
static uint8_t next_random;

/* SipHash paper, appendix A: key 00..0f, data 00..0e; also fed in two pieces. */
static int check_hash(void) {
    uint8_t key[SIPHASH_KEY_BYTES];
    uint8_t data[15];
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    memcpy(data, key, sizeof data);
    siphash_t hash;
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        siphash_begin(&hash, key);
        siphash_add(&hash, data, cut);
        siphash_add(&hash, data + cut, sizeof data - cut);
        CHECK(siphash_end(&hash) == 0xa129ca6149be45e5u);
    }
    return 0;
}

static int check_full_ring(void) {
    probe_record_t record = {.address = 0};
    probe_ring_clear(&ring);
    CHECK(!probe_ring_take(&ring, &record));
    for (unsigned i = 0; i < PROBE_RING_RECORDS; i++) {
        record.address = i;
        CHECK(probe_ring_put(&ring, &record));
    }
    CHECK(!probe_ring_put(&ring, &record));
    CHECK(!probe_ring_put(&ring, &record));
    CHECK(probe_ring_dropped(&ring) == 2);
    CHECK(probe_ring_dropped(&ring) == 0);
    for (unsigned i = 0; i < PROBE_RING_RECORDS; i++) {
        CHECK(probe_ring_take(&ring, &record));
        CHECK(record.address == i);
    }
    CHECK(!probe_ring_take(&ring, &record));
    for (unsigned i = 0; i < PROBE_RING_RECORDS; i++) {
        CHECK(ring.records[i].address == 0);
    }
    return 0;
}

static void *write_records(void *unused) {
    (void)unused;
    for (unsigned i = 1; i <= STREAMED; i++) {
        probe_record_t record = {.address = i, .signature = ~i};
        probe_ring_put(&ring, &record);
    }
    return NULL;
}

/* Two threads: what arrives is whole and in order; what does not is counted. */
static int check_two_threads(void) {
    pthread_t writer;
    probe_ring_clear(&ring);
    CHECK(pthread_create(&writer, NULL, write_records, NULL) == 0);
    unsigned taken = 0;
    unsigned dropped = 0;
    uint32_t last = 0;
    while (taken + dropped < STREAMED) {
        probe_record_t record;
        if (probe_ring_take(&ring, &record)) {
            CHECK(record.signature == ~record.address && record.address > last);
            last = record.address;
            taken++;
        }
        dropped += probe_ring_dropped(&ring);
    }
    CHECK(pthread_join(writer, NULL) == 0);
    CHECK(taken + dropped == STREAMED);
    return 0;
}

static void count_up(void *buffer, size_t bytes) {
    memset(buffer, ++next_random, bytes);
}

static int check_window(void) {
    probe_window_t window;
    uint32_t start_ms = UINT32_MAX - 500;
    probe_window_begin(&window, count_up, start_ms, 1000);
    CHECK(window.key[0] == 1 && window.key[15] == 1 && window.number == 0);
    CHECK(!probe_window_turn(&window, count_up, start_ms + 999));
    CHECK(probe_window_turn(&window, count_up, start_ms + 1000));
    CHECK(window.key[0] == 2 && window.key[15] == 2 && window.number == 1);
    CHECK(!probe_window_turn(&window, count_up, start_ms + 1999));
    for (unsigned i = 0; i < 255; i++) {
        CHECK(probe_window_turn(&window, count_up, start_ms + 2000 + 1000 * i));
    }
    CHECK(window.number == 0);
    return 0;
}

int main(void) {
    return check_hash() || check_full_ring() || check_two_threads() || check_window();
}
