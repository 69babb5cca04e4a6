/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash whose key cannot be found from its results. */
#ifndef HAIDANG_SIPHASH_H
#define HAIDANG_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/* State of one hash; feed pieces with siphash_add, any number of them. */
typedef struct {
    uint64_t v[4];
    uint64_t word;
    size_t bytes;
} siphash_t;

void siphash_begin(siphash_t *state, const uint8_t key[SIPHASH_KEY_BYTES]);
void siphash_add(siphash_t *state, const uint8_t *data, size_t length);
uint64_t siphash_end(siphash_t *state);

#endif
