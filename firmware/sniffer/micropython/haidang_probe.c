/*
 * MicroPython module `haidang_probe`: start(window_s), stop(), readinto(buffer) -> bytes or None.
 * readinto gives the very bytes of the companion's serial line, so a node reads both alike.
 */
#include "esp_timer.h"
#include "probe_radio.h"
#include "py/mperrno.h"
#include "py/runtime.h"

#define HEARTBEAT_US (1000 * 1000)

static int64_t heartbeat_us;

static void check(esp_err_t error) {
    if (error != ESP_OK) {
        mp_raise_OSError(-error);
    }
}

static mp_obj_t start(mp_obj_t window_s) {
    mp_int_t seconds = mp_obj_get_int(window_s);
    if (seconds < 1 || seconds > 86400) {
        mp_raise_ValueError(MP_ERROR_TEXT("window_s must be 1 to 86400"));
    }
    heartbeat_us = 0;
    check(probe_radio_start((uint32_t)seconds));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(start_obj, start);

static mp_obj_t stop(void) {
    check(probe_radio_stop());
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(stop_obj, stop);

static bool next(probe_record_t *record) {
    int64_t now_us = esp_timer_get_time();
    if (now_us >= heartbeat_us) {
        heartbeat_us = now_us + HEARTBEAT_US;
        probe_radio_heartbeat(record);
        return true;
    }
    return probe_radio_take(record);
}

static mp_obj_t read_into(mp_obj_t buffer) {
    mp_buffer_info_t space;
    mp_get_buffer_raise(buffer, &space, MP_BUFFER_WRITE);
    size_t filled = 0;
    probe_record_t record;
    while (space.len - filled >= PROBE_FRAME_BYTES && next(&record)) {
        probe_write(&record, (uint8_t *)space.buf + filled);
        filled += PROBE_FRAME_BYTES;
    }
    return filled ? MP_OBJ_NEW_SMALL_INT(filled) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(read_into_obj, read_into);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_haidang_probe)},
    {MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&start_obj)},
    {MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&stop_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&read_into_obj)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t haidang_probe_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_haidang_probe, haidang_probe_module);
