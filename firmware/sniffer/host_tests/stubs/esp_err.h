/* Just enough of ESP-IDF 5 and MicroPython to check our glue's syntax and types without them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef int esp_err_t;
#define ESP_OK 0
void esp_stub_check(esp_err_t error);
#define ESP_ERROR_CHECK(error) esp_stub_check(error)
