"""Random VECTORs: every field is drawn, addresses stay in their windows, and what is called unused is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from equinox_core.isa.encoding import BODY, Act, Conv, Dst, Instr, Op, Red, Src, make
from equinox_core.vector import VectorEnv, VectorFault, plan_vector
from verif.block.vpu.model import Image, Size
from verif.random.vectors import OPERANDS, Draft, Mix, Room, draw

SIZE = Size(
    N=4,
    M=1,
    W=2,
    CTX=3,
    C_INF=2,
    VEC_DEPTH=256,
    ACC_DEPTH=64,
    STG_DEPTH=64,
    SOF_DEPTH=64,
    ACTC_DEPTH=128,
    WGTC_DEPTH=128,
    SOB_DEPTH=128,
    RX_SLOTS=16,
    RX_LINES=8,
    TX_LINES=4,
    IMAX=8,
)
SPACES = {"VEC": 128, "CST": 128, "ACC": 64, "STG": 64, "RXB": 8, "TXB": 16, "SOF": 64}
SPACES |= {"ACTC": 128, "WGTC": 128, "SOB": 128}
LINES = tuple(space for space in Src if space not in (Src.RXB, Src.IMM))
MIX = Mix(a=LINES, b=(Src.NONE, Src.IMM, Src.VEC, Src.CST), c=LINES, d=LINES)
COUNT = 400


def env(rows: int) -> VectorEnv:
    """Of an inference context."""
    return VectorEnv(SIZE.N, SIZE.RX_LINES, SIZE.TX_LINES, 0, False, rows, list(range(SIZE.N)), c_base=128)


def drafts(seed: int, wide: bool) -> list[Draft]:
    """So many that fit."""
    rng = np.random.default_rng(seed)
    room = Room(rng, {name: [(0, size // 2), (size // 2, size)] for name, size in SPACES.items()}, edge=0.2)
    found: list[Draft] = []
    while len(found) < COUNT:
        dyn = int(rng.integers(3))
        outer, inner = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        draft = Draft(room, SIZE, outer, inner, dyn_o=dyn == 1, dyn_i=dyn == 2, rows=SIZE.N, wide=wide)
        if draw(draft, replace(MIX, a=(Src.RXB,)) if dyn and rng.random() < 0.5 else MIX):
            found.append(draft)
    return found


def plan(ins: Instr):
    """What the instruction touches, and how many of its lines are executed; why not, where it may not."""
    image = Image.random(np.random.default_rng(1), SIZE)
    try:
        found = plan_vector(ins, image, env(SIZE.N))
    except VectorFault as fault:
        return fault.cause
    parts = (found.a, found.b, found.c, found.d, found.r, found.v)
    return found.good, [None if part is None else part[-1].tolist() for part in parts]


@pytest.mark.parametrize("wide", [False, True])
def test_every_field_is_drawn(wide: bool) -> None:
    """Each field of a VECTOR takes several values, and each value of those that have names."""
    found = drafts(1, wide)
    instrs = [make(Op.VECTOR, **draft.fields) for draft in found]
    for field in BODY[Op.VECTOR]:
        values = {ins.fields[field.name] for ins in instrs}
        assert len(values) > 1, field.name
        if field.enum in (Act, Red, Dst, Conv):
            assert values == set(field.enum), field.name


@pytest.mark.parametrize("wide", [False, True])
def test_addresses_stay_in_their_windows(wide: bool) -> None:
    """Of every operand and result with a full batch; the last address of a window is among them."""
    edges = set()
    for draft in drafts(2, wide):
        f = draft.fields
        outer, inner = draft.shape
        for x in (*OPERANDS, "r", "v"):
            kind = f.get("v_mode" if x == "v" else f"{x}_sp", 0)
            if not kind or kind == Src.IMM and x == "b":
                continue
            counts = [outer, inner]
            if x == "v":
                counts[1] = SIZE.L if kind == Conv.COLS else -(-inner * SIZE.L // SIZE.K)
                space = {0: "ACTC", 1: "WGTC", 2: "SOB"}[f["v_sp"]]
            else:
                space = (Dst if x == "r" else Src)(kind).name
            if space == "RXB":
                counts = [1, inner] if draft.dyn_o else [outer, 1]
            last = f[f"{x}_base"] + (counts[0] - 1) * f[f"{x}_so"] + (counts[1] - 1) * f[f"{x}_si"]
            half = SPACES[space] // 2
            assert f[f"{x}_base"] // half == last // half <= 1, (x, space, f)
            edges.add((x, space)) if last % half == half - 1 else None
    assert {x for x, _ in edges} == {*OPERANDS, "r", "v"}


def test_noise_changes_nothing() -> None:
    """Fields that a VECTOR does not use may have any value: it does the same, or is refused for the same cause."""
    changed = 0
    for draft in drafts(3, wide=True):
        before = make(Op.VECTOR, **draft.fields)
        draft.noise()
        after = make(Op.VECTOR, **draft.fields)
        changed += after != before
        assert plan(after) == plan(before), (before, after)
    assert changed > COUNT * 0.9


def test_own_lines() -> None:
    """An operand reads what the results of so many lines before are."""
    room = Room(np.random.default_rng(4), {"CST": [(0, 8)]})
    for x in OPERANDS:
        draft = Draft(room, SIZE, 3, 4)
        other = draft.own(x, 10, 4, 7)
        assert other in "ab" and other != x and draft.source(other, (Src.CST,))
        ins = make(Op.VECTOR, **draft.fields)
        assert ins.fields[f"{x}_base"] == 10 and ins.r_base == 17 and ins.r_so == ins.fields[f"{x}_so"] == 4


def test_no_room() -> None:
    """A space without a window, or with one that is too small, leaves no room; what is too far is moved closer."""
    room = Room(np.random.default_rng(5), {"VEC": [(8, 12)], "SOF": [(0, 1)]})
    core = SimpleNamespace(K=8, L=4, TX_LINES=4)
    assert room.span("ACC", (1,), [[1]]) is None
    assert room.span("VEC", (5,), [[100]])[1] == [0]
    assert room.span("SOF", (2,), [[1]]) == (0, [0])
    assert room.span("VEC", (1,), [[0]], unit=8) is None
    draft = Draft(room, core, 2, 2)
    assert draft.source("a", (Src.VEC,)) and not draft.source("c", (Src.ACC,)) and not draft.line(Dst.TXB)
