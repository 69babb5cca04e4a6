"""Sensors as pure state machines over integers; the hardware is injected."""
