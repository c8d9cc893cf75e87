"""Constants of the pipelines that time, and therefore programs and models, depend on (``docs/timing.md``)."""

from __future__ import annotations

from typing import NamedTuple


class Constant(NamedTuple):
    """A constant of the RTL (``eqx_pkg``)."""

    name: str
    value: int
    meaning: str


CONSTANTS: list[Constant] = []


def _constant(name: str, value: int, meaning: str) -> int:
    CONSTANTS.append(Constant(name, value, meaning))
    return value


ADD_LATENCY = _constant("ADD_LATENCY", 2, "cycles of the fp32 adder in the accumulator")
ROW_EXTRA = _constant(
    "ROW_EXTRA", 2 + ADD_LATENCY, "a row's sums are in ACC 2·N + this many cycles after it entered the arrays"
)
ACC_HAZARD = _constant("ACC_HAZARD", 1 + ADD_LATENCY, "cycles after a row in which no row may accumulate on its line")
INF_TILES = _constant("INF_TILES", 2, "tiles of inference that the MMU has loaded at most: weight banks of a PE")
TRN_TILES = _constant("TRN_TILES", 1, "tiles of training that the MMU has loaded at most: weight banks of a PE")
VEC_STAGE = _constant("VEC_STAGE", 10, "cycles from a line's start to the reduction, then VEC and TXB are written")
REDUCE_LATENCY = _constant("REDUCE_LATENCY", 2, "cycles of a level of the reduction, of which there are log2(L)")
VPU_AHEAD = _constant("VPU_AHEAD", 1, "cycles from a VECTOR instruction's completion to its last write")
CONVERT_LATENCY = _constant(
    "CONVERT_LATENCY", 2, "cycles from a block's last line, or column's last part, to its write"
)
TILE_LATENCY = _constant("TILE_LATENCY", 2, "cycles from a tile's last line to the first part of its first column")
VPU_QUEUE = _constant("VPU_QUEUE", 16, "instructions of a context in the VPU's completion queue")
LD_OUTSTANDING = _constant("LD_OUTSTANDING", 8, "read bursts in flight")
ST_OUTSTANDING = _constant("ST_OUTSTANDING", 16, "write bursts in flight")
ST_SEGMENTS = _constant("ST_SEGMENTS", 4, "segments of ST between arbitration and their last address")
LD_BURST = _constant("LD_BURST", 32, "beats of a read burst at most")
AXI_BURST = _constant("AXI_BURST", 256, "beats of an AXI4 burst at most")
AXI_PAGE = _constant("AXI_PAGE", 4096, "bytes that no burst crosses")
ANSWER_QUEUE = _constant("ANSWER_QUEUE", 4, "answers without payload that wait for the responder")

VPU_QUEUE_ROOM = VPU_QUEUE - 2  # instructions that may be queued when the last segment of one more is granted


def row_flight(n: int) -> int:
    """Cycles from a row's entry into the arrays to its completion."""
    return 2 * n + ROW_EXTRA


def line_stage(lanes: int) -> int:
    """Cycles from a VPU line's start to its write of VEC or TXB."""
    return VEC_STAGE + REDUCE_LATENCY * (lanes - 1).bit_length()
