"""Bit- and cycle-exact models of the Equinox core; what runs on it, and what becomes of it."""

from .environment import prepare

__version__ = "0.5.0"

prepare()
