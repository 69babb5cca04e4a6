#pragma once
#include <stddef.h>
#include <stdint.h>
typedef void *mp_obj_t;
typedef intptr_t mp_int_t;
typedef struct {
    void *buf;
    size_t len;
} mp_buffer_info_t;
typedef struct {
    mp_obj_t base;
    const void *function;
} mp_obj_fun_t;
typedef struct {
    const void *key;
    const void *value;
} mp_rom_map_elem_t;
typedef struct {
    const mp_rom_map_elem_t *table;
} mp_obj_dict_t;
typedef struct {
    const void *type;
} mp_obj_base_t;
typedef struct {
    mp_obj_base_t base;
    mp_obj_dict_t *globals;
} mp_obj_module_t;
extern const int mp_type_module;
#define MP_BUFFER_WRITE 2
#define mp_const_none ((mp_obj_t)0)
#define MP_OBJ_NEW_SMALL_INT(value) ((mp_obj_t)(intptr_t)(value))
#define MP_ERROR_TEXT(text) (text)
#define MP_ROM_QSTR(qstr) #qstr
#define MP_ROM_PTR(pointer) (pointer)
#define MP_DEFINE_CONST_FUN_OBJ_0(name, function) const mp_obj_fun_t name = {0, (const void *)(function)}
#define MP_DEFINE_CONST_FUN_OBJ_1(name, function) const mp_obj_fun_t name = {0, (const void *)(function)}
#define MP_DEFINE_CONST_DICT(name, entries) const mp_obj_dict_t name = {entries}
#define MP_REGISTER_MODULE(name, module)
_Noreturn void mp_raise_OSError(int number);
_Noreturn void mp_raise_ValueError(const char *text);
mp_int_t mp_obj_get_int(mp_obj_t object);
void mp_get_buffer_raise(mp_obj_t object, mp_buffer_info_t *info, int flags);
