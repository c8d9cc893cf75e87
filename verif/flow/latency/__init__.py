"""Latency budgets: ``configs/budgets/latency.toml`` says what percentiles of latency may be; ``make latency`` holds the
core to it.
"""
