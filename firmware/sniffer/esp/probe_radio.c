#include "probe_radio.h"

#include <string.h>

#include "esp_random.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "probe_ring.h"
#include "probe_window.h"

/* sig_len of the driver counts the frame check sequence. */
#define CHECK_SEQUENCE_BYTES 4
#define COUNT_LIMIT 0x0fff

static probe_ring_t ring;
static probe_window_t window;
static atomic_uint heard;
/* The radio's task reads the key, the main task turns it. */
static portMUX_TYPE key_lock = portMUX_INITIALIZER_UNLOCKED;

static uint32_t now_ms(void) {
    return (uint32_t)(esp_timer_get_time() / 1000);
}

static void on_frame(void *buffer, wifi_promiscuous_pkt_type_t type) {
    const wifi_promiscuous_pkt_t *packet = buffer;
    size_t length = packet->rx_ctrl.sig_len;
    if (type != WIFI_PKT_MGMT || packet->rx_ctrl.rx_state != 0 || length < CHECK_SEQUENCE_BYTES) {
        return;
    }
    uint8_t key[SIPHASH_KEY_BYTES];
    portENTER_CRITICAL(&key_lock);
    memcpy(key, window.key, sizeof key);
    uint8_t number = window.number;
    portEXIT_CRITICAL(&key_lock);
    probe_record_t record;
    if (probe_read(packet->payload, length - CHECK_SEQUENCE_BYTES, key, &record)) {
        record.rssi_dbm = (int8_t)packet->rx_ctrl.rssi;
        record.channel = (uint8_t)packet->rx_ctrl.channel;
        record.window = number;
        atomic_fetch_add_explicit(&heard, 1, memory_order_relaxed);
        probe_ring_put(&ring, &record);
    }
}

esp_err_t probe_radio_start(uint32_t window_s) {
    probe_ring_clear(&ring);
    probe_window_begin(&window, esp_fill_random, now_ms(), window_s * 1000);
    const wifi_promiscuous_filter_t only_management = {.filter_mask = WIFI_PROMIS_FILTER_MASK_MGMT};
    esp_err_t error = esp_wifi_set_promiscuous_filter(&only_management);
    if (error == ESP_OK) {
        error = esp_wifi_set_promiscuous_rx_cb(on_frame);
    }
    if (error == ESP_OK) {
        error = esp_wifi_set_promiscuous(true);
    }
    return error;
}

esp_err_t probe_radio_stop(void) {
    esp_err_t error = esp_wifi_set_promiscuous(false);
    portENTER_CRITICAL(&key_lock);
    memset(window.key, 0, sizeof window.key);
    portEXIT_CRITICAL(&key_lock);
    return error;
}

bool probe_radio_take(probe_record_t *record) {
    return probe_ring_take(&ring, record);
}

void probe_radio_heartbeat(probe_record_t *record) {
    portENTER_CRITICAL(&key_lock);
    probe_window_turn(&window, esp_fill_random, now_ms());
    uint8_t number = window.number;
    portEXIT_CRITICAL(&key_lock);
    unsigned dropped = probe_ring_dropped(&ring);
    *record = (probe_record_t){
        .address = atomic_load_explicit(&heard, memory_order_relaxed),
        .sequence = (uint16_t)(dropped < COUNT_LIMIT ? dropped : COUNT_LIMIT),
        .flags = PROBE_HEARTBEAT,
        .window = number,
    };
}
