"""Checks of the checks: planted faults, each of which the checker that is there for it must catch first."""
