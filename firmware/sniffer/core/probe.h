/*
 * One 802.11 probe request to one record without its address and network name.
 *
 * Address and information elements leave this file only as SipHash values under a key that is
 * random, lives in RAM for one window and is then overwritten: two windows cannot be compared and
 * a value cannot be turned back. The SSID element is never read.
 */
#ifndef HAIDANG_PROBE_H
#define HAIDANG_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "siphash.h"

/* The address is locally administered: the phone hides its own. */
#define PROBE_RANDOMISED 0x01
/* No phone: a sign of life; `address` counts all frames heard, `sequence` those dropped. */
#define PROBE_HEARTBEAT 0x80

#define PROBE_FRAME_BYTES 17

typedef struct {
    uint32_t address;   /* keyed hash of the transmitter's address */
    uint32_t signature; /* keyed hash of what the information elements say of the phone's model */
    uint16_t sequence;  /* 12-bit sequence number of the frame */
    int8_t rssi_dbm;
    uint8_t channel;
    uint8_t flags;
    uint8_t window; /* counts up with each new key */
} probe_record_t;

/*
 * True and a record when `frame` (802.11 header on, without check sequence) is a whole probe
 * request of a single station; false otherwise. Reads frame[0] to frame[length - 1] only.
 */
bool probe_read(const uint8_t *frame, size_t length, const uint8_t key[SIPHASH_KEY_BYTES],
                probe_record_t *record);

/* The record as the 17 bytes of the serial line: A5 5A, 14 bytes little endian, their sum. */
void probe_write(const probe_record_t *record, uint8_t line[PROBE_FRAME_BYTES]);

#endif
