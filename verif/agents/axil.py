"""AXI4-Lite master for a bus whose channels are held back at random, with address and data of a write apart as one
likes.

Handshakes are sampled at falling edges, where they have the values that the next rising edge sees (the master of
cocotb-bus looks after the edge, and so misreads a ready that falls with its transfer).
"""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge


class AxiLiteMaster:
    """Drives ``<name>_*`` of a top, one access at a time."""

    def __init__(self, dut, name: str) -> None:
        self.clk = dut.clk
        self.sig = {
            s: getattr(dut, f"{name}_{s}")
            for s in (
                "awvalid",
                "awready",
                "awaddr",
                "wvalid",
                "wready",
                "wdata",
                "wstrb",
                "bvalid",
                "bready",
                "bresp",
                "arvalid",
                "arready",
                "araddr",
                "rvalid",
                "rready",
                "rdata",
                "rresp",
            )
        }
        self.rest()

    def rest(self) -> None:
        """Nothing offered, answers welcome."""
        for channel in ("aw", "w", "ar"):
            self.sig[f"{channel}valid"].value = 0
        for channel in ("b", "r"):
            self.sig[f"{channel}ready"].value = 1

    async def _offer(self, channel: str, delay: int, **payload: int) -> None:
        for _ in range(delay + 1):
            await RisingEdge(self.clk)
        for name, value in payload.items():
            self.sig[name].value = value
        self.sig[f"{channel}valid"].value = 1
        await self._until(f"{channel}ready")
        await RisingEdge(self.clk)
        self.sig[f"{channel}valid"].value = 0

    async def _until(self, name: str) -> None:
        await FallingEdge(self.clk)
        while not int(self.sig[name].value):
            await FallingEdge(self.clk)

    async def write(self, address: int, data: int, strobe: int = 0xF, aw_delay: int = 0, w_delay: int = 0) -> int:
        """Returns the response; address and data are offered after so many cycles."""
        other = cocotb.start_soon(self._offer("w", w_delay, wdata=data, wstrb=strobe))
        try:
            await self._offer("aw", aw_delay, awaddr=address)
            await other
        finally:
            if not other.done():
                other.cancel()
        await self._until("bvalid")
        return int(self.sig["bresp"].value)

    async def read(self, address: int, delay: int = 0) -> tuple[int, int]:
        """Returns data and response."""
        await self._offer("ar", delay, araddr=address)
        await self._until("rvalid")
        return int(self.sig["rdata"].value), int(self.sig["rresp"].value)
