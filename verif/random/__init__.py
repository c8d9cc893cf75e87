"""Constrained-random programs: generated, checked to be legal, run on the core, shrunk when they fail,
kept as cases.
"""
