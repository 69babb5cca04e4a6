#include "probe_window.h"

void probe_window_begin(probe_window_t *window, probe_random_t random, uint32_t now_ms,
                        uint32_t length_ms) {
    random(window->key, sizeof window->key);
    window->began_ms = now_ms;
    window->length_ms = length_ms;
    window->number = 0;
}

bool probe_window_turn(probe_window_t *window, probe_random_t random, uint32_t now_ms) {
    if (now_ms - window->began_ms < window->length_ms) {
        return false;
    }
    random(window->key, sizeof window->key);
    window->began_ms = now_ms;
    window->number++;
    return true;
}
