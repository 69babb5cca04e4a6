#pragma once
#include "esp_err.h"
typedef enum { WIFI_PKT_MGMT, WIFI_PKT_CTRL, WIFI_PKT_DATA, WIFI_PKT_MISC } wifi_promiscuous_pkt_type_t;
typedef struct {
    signed rssi : 8;
    unsigned channel : 4;
    unsigned sig_len : 12;
    unsigned rx_state : 8;
} wifi_pkt_rx_ctrl_t;
typedef struct {
    wifi_pkt_rx_ctrl_t rx_ctrl;
    uint8_t payload[];
} wifi_promiscuous_pkt_t;
typedef struct {
    uint32_t filter_mask;
} wifi_promiscuous_filter_t;
typedef struct {
    int reserved;
} wifi_init_config_t;
typedef enum { WIFI_MODE_NULL } wifi_mode_t;
typedef enum { WIFI_STORAGE_RAM } wifi_storage_t;
typedef enum { WIFI_SECOND_CHAN_NONE } wifi_second_chan_t;
typedef void (*wifi_promiscuous_cb_t)(void *buffer, wifi_promiscuous_pkt_type_t type);
#define WIFI_PROMIS_FILTER_MASK_MGMT 1u
#define WIFI_INIT_CONFIG_DEFAULT() {0}
esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_set_storage(wifi_storage_t storage);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_set_channel(uint8_t primary, wifi_second_chan_t second);
esp_err_t esp_wifi_set_promiscuous(bool on);
esp_err_t esp_wifi_set_promiscuous_rx_cb(wifi_promiscuous_cb_t callback);
esp_err_t esp_wifi_set_promiscuous_filter(const wifi_promiscuous_filter_t *filter);
