"""Whole networks computed straight from ``models/equinox_core/numerics``, without instructions or buffers: what
programs are checked against.
"""
