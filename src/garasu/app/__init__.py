"""Programs: the command line. Everything here calls the same public functions that Python users call."""
