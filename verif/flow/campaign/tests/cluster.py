"""A real Dask cluster of worker processes for tests, and somebody who kills one of them while it works."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from verif.lib.verdict import require


@contextmanager
def workers(folder: Path) -> Iterator:
    """A scheduler and three worker processes, each with a nanny that replaces it when it dies."""
    import distributed

    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, dashboard_address=":0", silence_logs=50, local_directory=str(folder)
    ) as running:
        yield running


@contextmanager
def a_worker_killed(cluster, begun: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile a worker that has a task is killed, once ``begun`` says so; it was, when this ends."""
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            busy = [w for w in list(cluster.scheduler.workers.values()) if w.processing] if begun() else []
            if busy:
                killed.append(cluster.workers[busy[0].name].pid)
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.02)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    yield
    killer.join(10)
    require(killed)


def given_out(cluster, since: float) -> Counter[str]:
    """How often each task was given to a worker, since a time of day: what a worker that died had is given out
    again."""
    log = list(cluster.scheduler.transition_log)
    return Counter(str(step[0]) for step in log if step[2] == "processing" and step[-1] >= since)
