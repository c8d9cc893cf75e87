"""Area and access time of the core's memories, which have one read and one write port (docs/cost.md, "Memories").

A memory is an array of macros of at most :data:`ROWS` words and :data:`COLUMNS` bits. A macro is a rectangle of bit
cells with a strip of decoders on one side and one of sense amplifiers on the other::

    area = (words + STRIP_ROWS) · (bits + STRIP_COLUMNS) · CELL_UM2

The constants are those of a 45 nm process: a six-transistor cell of 0.374 µm² (the high-density cell that foundries
published for 45 nm), 1.4 times that for the second port, strips such that a macro of the largest size takes the
0.617 µm² a bit that CACTI's 1.87 mm² a megabyte at 32 nm come to when scaled by (45/32)² and for two ports. Times are
assumptions of the same order as CACTI's for 16 KiB. None is a compiler's datasheet: compare cores, not foundries.
"""

from __future__ import annotations

from equinox_core.hw.params import clog2

ROWS, COLUMNS = 2048, 64  # of the largest macro
STRIP_ROWS, STRIP_COLUMNS = 16, 10  # sense amplifiers and write drivers; decoders
CELL_UM2 = 0.374 * 1.4
SETUP_NS = 0.10  # of addresses, enables and data
_BASE_NS, _ROW_NS, _SELECT_NS = 0.37, 0.03, 0.06  # clock to data; per doubling of a macro's words; of macros


def _shares(total: int, most: int) -> list[int]:
    """``total`` cut into as few parts of at most ``most`` as possible, as equal as can be."""
    parts = -(-total // most)
    return [total // parts + (n < total % parts) for n in range(parts)]


def macros(width: int, depth: int) -> list[tuple[int, int]]:
    """The macros (words, bits) of a memory of ``depth`` words of ``width`` bits.

    Raises:
        ValueError: a size below 1.
    """
    if width < 1 or depth < 1:
        raise ValueError(f"memory of {depth} words of {width} bits: legal are 1 or more of each")
    return [(words, bits) for words in _shares(depth, ROWS) for bits in _shares(width, COLUMNS)]


def area_um2(width: int, depth: int) -> float:
    """Area of a memory of ``depth`` words of ``width`` bits, in µm²."""
    return sum((words + STRIP_ROWS) * (bits + STRIP_COLUMNS) for words, bits in macros(width, depth)) * CELL_UM2


def access_ns(width: int, depth: int) -> float:
    """Time from the clock edge to the read data, in ns, through the selection between macros."""
    parts = {words for words, _ in macros(width, depth)}
    return _BASE_NS + _ROW_NS * clog2(max(parts)) + _SELECT_NS * clog2(-(-depth // ROWS))
