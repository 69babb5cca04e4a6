/*
 * The key of one window: drawn at its beginning, overwritten at its end, kept nowhere else.
 */
#ifndef HAIDANG_PROBE_WINDOW_H
#define HAIDANG_PROBE_WINDOW_H

#include "probe.h"

typedef void (*probe_random_t)(void *buffer, size_t bytes);

typedef struct {
    uint8_t key[SIPHASH_KEY_BYTES];
    uint32_t began_ms;
    uint32_t length_ms;
    uint8_t number;
} probe_window_t;

void probe_window_begin(probe_window_t *window, probe_random_t random, uint32_t now_ms,
                        uint32_t length_ms);
/* True when a new window began: the key before is gone. Survives the wrap of now_ms. */
bool probe_window_turn(probe_window_t *window, probe_random_t random, uint32_t now_ms);

#endif
