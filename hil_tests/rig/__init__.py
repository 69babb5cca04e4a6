"""Benches a node may lie on: virtual, or a real board on a serial port."""
