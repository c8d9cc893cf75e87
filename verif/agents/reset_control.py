"""Whether a reset is on, which may cut drivers off at any moment; drivers that bear it are in ``resettable.py``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import cocotb
from cocotb.task import Task


class ResetControl:
    """Says whether a reset is on; while it is, drivers finish every item at once, without driving it."""

    def __init__(self) -> None:
        self.active = False
        self.on_cut: list[Callable[[], None]] = []
        self._tasks: set[Task] = set()

    async def guard(self, work: Coroutine) -> bool:
        """Do something that a reset cuts short; returns whether it was done."""
        if self.active:
            work.close()
            return False
        task = cocotb.start_soon(work)
        self._tasks.add(task)
        await task.complete
        self._tasks.discard(task)
        if task.cancelled():
            return False
        task.result()  # its exception, if it had one
        return True

    def cut(self) -> None:
        """The reset begins."""
        self.active = True
        for task in self._tasks:
            task.cancel()
        for callback in self.on_cut:
            callback()

    def release(self) -> None:
        """The reset is over."""
        self.active = False
