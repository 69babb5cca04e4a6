/* The ESP32's radio in promiscuous mode: probe requests to records. Needs Wi-Fi to be started. */
#ifndef HAIDANG_PROBE_RADIO_H
#define HAIDANG_PROBE_RADIO_H

#include "esp_err.h"
#include "probe.h"

/* Starts listening; a key lives for window_s. */
esp_err_t probe_radio_start(uint32_t window_s);
esp_err_t probe_radio_stop(void);
/* One record, or false. Call from one task only. */
bool probe_radio_take(probe_record_t *record);
/* Turns the window when it is over; a heartbeat to send. Call about once a second. */
void probe_radio_heartbeat(probe_record_t *record);

#endif
