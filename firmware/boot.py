"""Runs before main.py; later the choice between two slots of the application."""

import gc

gc.collect()
