/* The companion sniffer: a second ESP32 that hears probe requests and tells a node by serial line. */
#include "driver/uart.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "nvs_flash.h"
#include "probe_radio.h"

#define LINE UART_NUM_1
#define LINE_BUFFER_BYTES 2048
#define HEARTBEAT_US (1000 * 1000)
#define IDLE_TICKS pdMS_TO_TICKS(10)

static const uint8_t channels[] = {1, 6, 11};

static void start_line(void) {
    const uart_config_t config = {
        .baud_rate = CONFIG_HAIDANG_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(LINE, LINE_BUFFER_BYTES, LINE_BUFFER_BYTES, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(LINE, &config));
    ESP_ERROR_CHECK(uart_set_pin(LINE, CONFIG_HAIDANG_TX_PIN, UART_PIN_NO_CHANGE,
                                 UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
}

static void start_radio(void) {
    esp_err_t error = nvs_flash_init();
    if (error != ESP_OK) {
        ESP_ERROR_CHECK(nvs_flash_erase());
        ESP_ERROR_CHECK(nvs_flash_init());
    }
    const wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
    ESP_ERROR_CHECK(esp_wifi_init(&config));
    ESP_ERROR_CHECK(esp_wifi_set_storage(WIFI_STORAGE_RAM));
    ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_NULL));
    ESP_ERROR_CHECK(esp_wifi_start());
    ESP_ERROR_CHECK(probe_radio_start(CONFIG_HAIDANG_WINDOW_S));
}

static void send(const probe_record_t *record) {
    uint8_t line[PROBE_FRAME_BYTES];
    probe_write(record, line);
    uart_write_bytes(LINE, line, sizeof line);
}

static void hop(int64_t now_us) {
    static unsigned tuned = sizeof channels;
    unsigned at = (unsigned)(now_us / 1000 / CONFIG_HAIDANG_DWELL_MS) % sizeof channels;
    if (at != tuned) {
        tuned = at;
        ESP_ERROR_CHECK(esp_wifi_set_channel(channels[at], WIFI_SECOND_CHAN_NONE));
    }
}

void app_main(void) {
    start_line();
    start_radio();
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
    int64_t heartbeat_us = 0;
    for (;;) {
        int64_t now_us = esp_timer_get_time();
        probe_record_t record;
        hop(now_us);
        if (now_us >= heartbeat_us) {
            heartbeat_us = now_us + HEARTBEAT_US;
            probe_radio_heartbeat(&record);
            send(&record);
        }
        if (probe_radio_take(&record)) {
            send(&record);
        } else {
            vTaskDelay(IDLE_TICKS);
        }
        esp_task_wdt_reset();
    }
}
