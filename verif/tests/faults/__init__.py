"""Faults and abuse at the chip level: what docs/faults.md promises, checked. Each test is made of ordeals, which the
stress test mixes.
"""
