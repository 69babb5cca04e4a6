#include "probe_ring.h"

_Static_assert((PROBE_RING_RECORDS & (PROBE_RING_RECORDS - 1)) == 0, "counters wrap around");

void probe_ring_clear(probe_ring_t *ring) {
    atomic_init(&ring->written, 0);
    atomic_init(&ring->taken, 0);
    atomic_init(&ring->dropped, 0);
}

bool probe_ring_put(probe_ring_t *ring, const probe_record_t *record) {
    unsigned written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    unsigned taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    if (written - taken == PROBE_RING_RECORDS) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return false;
    }
    ring->records[written % PROBE_RING_RECORDS] = *record;
    atomic_store_explicit(&ring->written, written + 1, memory_order_release);
    return true;
}

bool probe_ring_take(probe_ring_t *ring, probe_record_t *record) {
    unsigned taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    unsigned written = atomic_load_explicit(&ring->written, memory_order_acquire);
    if (written == taken) {
        return false;
    }
    probe_record_t *slot = &ring->records[taken % PROBE_RING_RECORDS];
    *record = *slot;
    *slot = (probe_record_t){0};
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return true;
}

unsigned probe_ring_dropped(probe_ring_t *ring) {
    return atomic_exchange_explicit(&ring->dropped, 0, memory_order_relaxed);
}
