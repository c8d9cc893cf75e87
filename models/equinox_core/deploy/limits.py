"""Latency limits of services, and the batch timeouts that go with them; all in cycles."""

from __future__ import annotations

from collections.abc import Iterable

from equinox_core.hw.modes import traits

TIMEOUT_SHARE = 1.0  # batch timeout, in unloaded latencies of a full batch
LIMIT_SHARE = 6.0  # default latency limit (p99), likewise, of the slowest service that requests are for
SERVICE_SHARE = 2.0  # `slack`: what a batch is given from its dispatch to its last response, likewise


def default_limit(latencies: Iterable[int]) -> int:
    """Limit of p99 where none is given, from the unloaded latencies of a full batch of the services asked for."""
    return int(LIMIT_SHARE * max(latencies))


def batch_timeout(policy: str, limit: int, latency: int) -> int:
    """TIMEOUT of a service: under ``slack`` the time that its limit leaves
    to a request before its service must begin.
    """
    if traits(policy).limited:
        return max(1, limit - int(SERVICE_SHARE * latency))
    return int(TIMEOUT_SHARE * latency)
