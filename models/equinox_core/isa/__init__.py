"""The Equinox instruction set: one source for encodings, from which the RTL package is generated."""
