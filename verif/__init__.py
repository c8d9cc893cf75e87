"""Verification environment of Equinox: benches, agents and their build and run support."""
