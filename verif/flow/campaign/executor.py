"""Where batches run: processes of this machine, or an existing engine (Dask; SLURM, LSF, PBS through dask-jobqueue)."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from verif.flow.campaign import batch as batches
from verif.lib import process

QUEUES = {"slurm": ("SLURMCluster", "sbatch"), "lsf": ("LSFCluster", "bsub"), "pbs": ("PBSCluster", "qsub")}
_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[^/\s]+:\d{1,5}")
_CONNECT_SECONDS = 20


class ClusterError(RuntimeError):
    """The engine cannot be used; one line."""


class Pool(Protocol):
    """What carries out batches."""

    def submit(self, batch: dict, begun: Callable[[], None]) -> Future:
        """Have :func:`~verif.flow.campaign.batch.run_batch` called; ``begun`` is called when it is, where that is
        known."""

    def parallel(self) -> int:
        """How many batches run at a time."""


class _Threads:
    def __init__(self, pool: ThreadPoolExecutor, jobs: int) -> None:
        self.pool, self.jobs = pool, jobs

    def submit(self, batch: dict, begun: Callable[[], None]) -> Future:
        def call() -> dict:
            begun()
            return batches.run_batch(batch)

        return self.pool.submit(call)

    def parallel(self) -> int:
        return self.jobs


class _Dask:
    def __init__(self, client) -> None:
        self.client, self.pool = client, client.get_executor(pure=False)

    def submit(self, batch: dict, begun: Callable[[], None]) -> Future:
        return self.pool.submit(batches.run_on_cluster, batch)

    def parallel(self) -> int:
        return max(1, sum(self.client.nthreads().values()))


def check(where: str) -> None:
    """Raises ClusterError when ``where`` (see :func:`executor`) cannot be meant."""
    if where and where not in QUEUES and not _ADDRESS.fullmatch(where):
        raise ClusterError(
            f"CLUSTER={where}: legal are the address of a Dask scheduler (tcp://host:port), {', '.join(QUEUES)}"
        )
    if where in QUEUES and shutil.which(QUEUES[where][1]) is None:
        raise ClusterError(f"CLUSTER={where}: {QUEUES[where][1]} is not installed here")


@contextlib.contextmanager
def executor(where: str, jobs: int) -> Iterator[Pool]:
    """What carries out batches.

    Args:
        where: empty for this machine; the address of a Dask scheduler; or slurm, lsf, pbs, for which ``jobs`` workers
        of a
            core each are asked for, as Dask's configuration (jobqueue.yaml) says in all other respects.
        jobs: batches at a time; with a scheduler's address its workers decide.

    Raises:
        ClusterError: the engine does not answer or is not installed.
    """
    check(where)
    if not where:
        pool = ThreadPoolExecutor(jobs)
        try:
            yield _Threads(pool, jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            process.end_all()
            pool.shutdown()
        return
    with _client(where, jobs) as client:
        dask = _Dask(client)
        try:
            yield dask
        finally:
            dask.pool.shutdown(wait=False)  # cancels what has not begun


@contextlib.contextmanager
def _client(where: str, jobs: int) -> Iterator:
    import cloudpickle
    import distributed

    cloudpickle.register_pickle_by_value(batches)  # a worker needs not be able to import it
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        address = where
        if where in QUEUES:
            address = stack.enter_context(_queue(where, jobs))
        try:
            client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ClusterError(f"CLUSTER={where}: no Dask scheduler answers there ({reason})") from None
        yield stack.enter_context(client)


@contextlib.contextmanager
def _queue(where: str, jobs: int) -> Iterator:
    """A cluster of workers that a queueing system starts."""
    import dask
    import dask_jobqueue

    kind = getattr(dask_jobqueue, QUEUES[where][0])
    given = dask.config.get(f"jobqueue.{where}", {})
    options: dict = {"processes": 1, "python": sys.executable, "log_directory": None}
    options |= {name: value for name, value in (("cores", 1), ("memory", "4GB")) if not given.get(name)}
    with kind(**{k: v for k, v in options.items() if v is not None}) as cluster:
        cluster.scale(jobs=jobs)
        yield cluster


def default_jobs() -> int:
    """Batches at a time on this machine: its cores, at most 8."""
    return min(8, os.cpu_count() or 1)
