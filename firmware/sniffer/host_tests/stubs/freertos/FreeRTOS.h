#pragma once
typedef struct {
    int owner;
} portMUX_TYPE;
#define portMUX_INITIALIZER_UNLOCKED {0}
void port_stub_enter(portMUX_TYPE *mux);
void port_stub_exit(portMUX_TYPE *mux);
#define portENTER_CRITICAL(mux) port_stub_enter(mux)
#define portEXIT_CRITICAL(mux) port_stub_exit(mux)
#define pdMS_TO_TICKS(ms) ((ms) / 10)
