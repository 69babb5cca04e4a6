"""The only modules that import machine, network and esp32."""
