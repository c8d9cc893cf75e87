"""Shared support of the benches: building and running simulations, coverage, sources."""
