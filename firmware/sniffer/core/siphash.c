#include "siphash.h"

static uint64_t rotated(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, unsigned s, unsigned t) {
    *a += *b;
    *c += *d;
    *b = rotated(*b, s) ^ *a;
    *d = rotated(*d, t) ^ *c;
    *a = rotated(*a, 32);
}

static void rounds(uint64_t v[4], unsigned count) {
    while (count--) {
        half_round(&v[0], &v[1], &v[2], &v[3], 13, 16);
        half_round(&v[2], &v[1], &v[0], &v[3], 17, 21);
    }
}

static void absorb(siphash_t *state, uint64_t word) {
    state->v[3] ^= word;
    rounds(state->v, 2);
    state->v[0] ^= word;
}

static uint64_t little_endian(const uint8_t *data) {
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++) {
        word |= (uint64_t)data[i] << (8 * i);
    }
    return word;
}

void siphash_begin(siphash_t *state, const uint8_t key[SIPHASH_KEY_BYTES]) {
    uint64_t k0 = little_endian(key);
    uint64_t k1 = little_endian(key + 8);
    state->v[0] = k0 ^ 0x736f6d6570736575u;
    state->v[1] = k1 ^ 0x646f72616e646f6du;
    state->v[2] = k0 ^ 0x6c7967656e657261u;
    state->v[3] = k1 ^ 0x7465646279746573u;
    state->word = 0;
    state->bytes = 0;
}

void siphash_add(siphash_t *state, const uint8_t *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        state->word |= (uint64_t)data[i] << (8 * (state->bytes & 7));
        state->bytes++;
        if ((state->bytes & 7) == 0) {
            absorb(state, state->word);
            state->word = 0;
        }
    }
}

uint64_t siphash_end(siphash_t *state) {
    absorb(state, state->word | (uint64_t)(state->bytes & 0xff) << 56);
    state->v[2] ^= 0xff;
    rounds(state->v, 4);
    return state->v[0] ^ state->v[1] ^ state->v[2] ^ state->v[3];
}
