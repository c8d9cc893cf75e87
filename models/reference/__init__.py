"""Whole networks computed straight from ``models/numerics``, without instructions or buffers: what programs are checked against."""
