"""Where random programs keep what: DRAM areas, shares of the buffers that contexts have in common."""

from __future__ import annotations

from dataclasses import dataclass

from equinox_core.config import Config
from equinox_core.isa.encoding import BSpace, LdDst

LINES = 64  # fp32 lines of input
PANELS_OF = 64  # blocks of input, rounded up to panels, and two panels more
SCRATCH = 96  # lines' worth of room for what is stored
FEED_LINES = 16  # of a service: lines of input
FEED_BLOCKS = 3  # tiles of input
FEED_OUT = 48  # lines' worth of room
SHARE = 32  # lines or blocks of each common buffer that a service may have
COMMON = ("ACTD", "WGTC", "STG", "SOF", "SOB")
"""Buffers that all contexts share; an instruction's address is the memory's."""
TOP = 1 << 22  # services' areas in DRAM lie below this address
DEPTHS = {space: f"{space}_DEPTH" for space in ("VEC", "ACC", "ACTC", "ACTD", "WGTC", "WGTD", "STG", "SOF", "SOB")}
LOADED = {LdDst.ACTD: "ACTD", LdDst.WGTD: "WGTD", LdDst.STG: "STG"}
WEIGHTS = {BSpace.WGTC: "WGTC", BSpace.WGTD: "WGTD"}


@dataclass(frozen=True)
class Area:
    """A program's DRAM: byte addresses (of training relative to its base) of lines, of blocks, of room, and the end."""

    lines: int
    blocks: int
    out: int
    end: int
    panels: int

    @property
    def size(self) -> int:
        return self.end - self.lines


def _area(cfg: Config, base: int, lines: int, panels: int, out: int) -> Area:
    blocks = base + lines * 4 * cfg.L
    room = blocks + panels * (cfg.K + 1) * cfg.BUS
    return Area(base, blocks, room, room + out * 4 * cfg.L, panels)


def training_area(cfg: Config) -> Area:
    """The training program's."""
    return _area(cfg, 0, LINES, -(-PANELS_OF // cfg.BUS) + 2, SCRATCH)


def service_area(cfg: Config, index: int) -> Area:
    """That of service ``index``: at the top of DRAM."""
    panels = -(-FEED_BLOCKS * cfg.L // cfg.BUS)
    size = _area(cfg, 0, FEED_LINES, panels, FEED_OUT).size
    return _area(cfg, min(cfg.BYTES, TOP) - (index + 1) * size, FEED_LINES, panels, FEED_OUT)


def _part(cfg: Config, depth: int) -> int:
    """As much of a buffer as each service may have, and training."""
    return depth // (cfg.SERVICES + 1)


def most_constants(cfg: Config) -> int:
    """Lines of constants that a program may have."""
    return min(15, cfg.VEC_DEPTH // 16)


def most_tiles(cfg: Config) -> int:
    """Tiles of WGTD that a service may have: each has L blocks."""
    return _part(cfg, cfg.WGTD_DEPTH) // cfg.L


def share(cfg: Config, index: int, space: str) -> tuple[int, int]:
    """First address and end of what service ``index`` may use of a common buffer."""
    depth = getattr(cfg, DEPTHS[space])
    size = min(max(SHARE, 2 * cfg.L) if space == "WGTC" else SHARE, _part(cfg, depth))
    if space == "WGTC":
        size = size // cfg.L * cfg.L if size < SHARE else size  # whole tiles; none where there are too few
    end = depth - index * size
    return end - size, end


def common_end(cfg: Config, services: int, space: str) -> int:
    """End of what services leave of a common buffer to training."""
    return share(cfg, services, space)[1]
