#include "probe.h"

#define HEADER_BYTES 24
#define TYPE_MASK 0xfc
#define PROBE_REQUEST 0x40
#define TRANSMITTER 10
#define ADDRESS_BYTES 6
#define SEQUENCE_CONTROL 22
#define GROUP_BIT 0x01
#define LOCAL_BIT 0x02

/* IEEE 802.11-2020 table 9-92. */
#define ELEMENT_SSID 0
#define ELEMENT_DSSS_CHANNEL 3
#define ELEMENT_VENDOR 221
#define VENDOR_TYPE_BYTES 4
/* A first guess at what a frame may carry; more elements than this are noise or an attack. */
#define ELEMENTS_READ 64

/*
 * What of an element speaks of the model: number, length and content. SSID (whom the phone
 * looks for) and channel (changes from frame to frame) are left out; of a vendor's element only
 * whose it is: its content may name the single phone (WPS: UUID-E).
 */
static size_t telling_bytes(uint8_t element, size_t length) {
    if (element == ELEMENT_VENDOR) {
        return length < VENDOR_TYPE_BYTES ? length : VENDOR_TYPE_BYTES;
    }
    return length;
}

static bool read_elements(const uint8_t *data, size_t length, siphash_t *hash) {
    size_t at = 0;
    for (unsigned count = 0; at < length; count++) {
        if (count == ELEMENTS_READ || length - at < 2 || length - at - 2 < data[at + 1]) {
            return false;
        }
        uint8_t element = data[at];
        size_t size = data[at + 1];
        if (element != ELEMENT_SSID && element != ELEMENT_DSSS_CHANNEL) {
            siphash_add(hash, data + at, 2 + telling_bytes(element, size));
        }
        at += 2 + size;
    }
    return true;
}

bool probe_read(const uint8_t *frame, size_t length, const uint8_t key[SIPHASH_KEY_BYTES],
                probe_record_t *record) {
    if (length < HEADER_BYTES || (frame[0] & TYPE_MASK) != PROBE_REQUEST) {
        return false;
    }
    const uint8_t *address = frame + TRANSMITTER;
    if (address[0] & GROUP_BIT) {
        return false;
    }
    siphash_t hash;
    siphash_begin(&hash, key);
    if (!read_elements(frame + HEADER_BYTES, length - HEADER_BYTES, &hash)) {
        return false;
    }
    record->signature = (uint32_t)siphash_end(&hash);
    siphash_begin(&hash, key);
    siphash_add(&hash, address, ADDRESS_BYTES);
    record->address = (uint32_t)siphash_end(&hash);
    record->sequence = (uint16_t)((frame[SEQUENCE_CONTROL] | frame[SEQUENCE_CONTROL + 1] << 8) >> 4);
    record->flags = address[0] & LOCAL_BIT ? PROBE_RANDOMISED : 0;
    record->rssi_dbm = 0;
    record->channel = 0;
    record->window = 0;
    return true;
}

static uint8_t *put(uint8_t *to, uint32_t value, unsigned bytes) {
    while (bytes--) {
        *to++ = (uint8_t)value;
        value >>= 8;
    }
    return to;
}

void probe_write(const probe_record_t *record, uint8_t line[PROBE_FRAME_BYTES]) {
    uint8_t *at = line;
    at = put(at, 0x5aa5, 2);
    at = put(at, record->address, 4);
    at = put(at, record->flags, 1);
    at = put(at, record->window, 1);
    at = put(at, record->sequence, 2);
    at = put(at, record->signature, 4);
    at = put(at, (uint8_t)record->rssi_dbm, 1);
    at = put(at, record->channel, 1);
    uint8_t sum = 0;
    for (const uint8_t *byte = line + 2; byte < at; byte++) {
        sum = (uint8_t)(sum + *byte);
    }
    *at = sum;
}
