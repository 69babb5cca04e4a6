"""One module for each chip or meter that a sensor may have; only the named one is loaded."""
