# USER_C_MODULES=.../firmware/sniffer/micropython/micropython.cmake builds haidang_probe into MicroPython.
add_library(usermod_haidang_probe INTERFACE)
set(sniffer ${CMAKE_CURRENT_LIST_DIR}/..)
target_sources(usermod_haidang_probe INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/haidang_probe.c
    ${sniffer}/esp/probe_radio.c
    ${sniffer}/core/probe.c
    ${sniffer}/core/probe_ring.c
    ${sniffer}/core/probe_window.c
    ${sniffer}/core/siphash.c)
target_include_directories(usermod_haidang_probe INTERFACE ${sniffer}/core ${sniffer}/esp)
target_link_libraries(usermod INTERFACE usermod_haidang_probe)
