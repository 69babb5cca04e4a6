/*
 * A bounded queue of records between the radio's task (one writer) and the main task (one reader).
 * Full means the newest record is dropped and counted: a burst costs single frames, never memory.
 */
#ifndef HAIDANG_PROBE_RING_H
#define HAIDANG_PROBE_RING_H

#include <stdatomic.h>

#include "probe.h"

/* A power of two. 128 records of 16 bytes: 50 ms of the densest air (2,500 frames/s). */
#define PROBE_RING_RECORDS 128

typedef struct {
    atomic_uint written;
    atomic_uint taken;
    atomic_uint dropped;
    probe_record_t records[PROBE_RING_RECORDS];
} probe_ring_t;

void probe_ring_clear(probe_ring_t *ring);
/* Writer only; false when the ring is full. */
bool probe_ring_put(probe_ring_t *ring, const probe_record_t *record);
/* Reader only; false when the ring is empty. */
bool probe_ring_take(probe_ring_t *ring, probe_record_t *record);
/* Reader only: how many were dropped since the last call. */
unsigned probe_ring_dropped(probe_ring_t *ring);

#endif
