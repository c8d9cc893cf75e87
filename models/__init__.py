"""Bit- and cycle-exact models of the Equinox core; what runs on it, and what becomes of it."""

__version__ = "0.1.0"
