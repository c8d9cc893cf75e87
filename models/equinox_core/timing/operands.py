"""Which addresses of an instruction are beyond their memory (``docs/isa.md``): a quick check of the whole, and what is
good of a part.
"""

from __future__ import annotations

from .compiled import njit
from .layout import OPERANDS, RELOCATIONS, V
from .records import Array, Instr, Vector


@njit
def fits(ins: Instr, reloc: Array[int]) -> bool:
    """Whether every address of the instruction, relocated, is in its memory (False: perhaps not)."""
    for kind in range(RELOCATIONS):
        if reloc[kind] > ins.room[kind]:
            return False
    return True


@njit
def within(first: int, stride: int, end: int, n: int) -> int:
    """How many of ``n`` addresses from ``first`` on, ``stride`` apart, come before the first at or beyond ``end``."""
    if first >= end:
        return 0
    return n if stride == 0 else min(n, (end - 1 - first) // stride + 1)


@njit
def good_lines(x: Vector, group: int) -> int:
    """Lines of a VECTOR's next segment before the first with an address beyond its memory."""
    n = x.lines
    for k in range(OPERANDS):
        first = x.base[k] + x.done * x.so[k]
        if k == V:  # the address is the block's
            n = min(n, within(first, x.si[k], x.depth[k], (x.lines + group - 1) // group) * group)
        else:
            n = min(n, within(first, x.si[k], x.depth[k], n))
    return n
