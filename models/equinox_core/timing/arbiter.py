"""Arbiters (``rtl/common/eqx_arb.sv``, ``rtl/scheduler/eqx_rr_arb.sv``)."""

from __future__ import annotations

from .compiled import njit
from .layout import FAIR, INF_ONLY
from .records import Arbiter, Params


@njit
def round_robin(req: int, prev: int, n: int) -> int:
    """First set bit of ``req`` above ``prev``, else the lowest; -1 if there is none."""
    for i in range(prev + 1, n):
        if req >> i & 1:
            return i
    for i in range(n):
        if req >> i & 1:
            return i
    return -1


@njit
def pick(arb: Arbiter, req: int, mode: int, p: Params) -> int:
    """Grant of ``eqx_arb`` among the contexts of the mask ``req``, or -1; moves its state."""
    inf_mask = (1 << p.c_inf) - 1
    inf, trn = req & inf_mask, req & ~inf_mask
    if inf != 0 and (mode != FAIR or arb.last_inf == 0 or trn == 0):
        c = round_robin(inf, arb.prev[0], p.ctx)
        arb.prev[0] = c
        arb.last_inf = 1
        return c
    if trn == 0 or mode == INF_ONLY:
        return -1
    c = round_robin(trn, arb.prev[1], p.ctx)
    arb.prev[1] = c
    arb.last_inf = 0
    return c
