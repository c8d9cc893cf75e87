"""A program: one instruction stream a unit, and what it needs of the core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

from .encoding import INSTR_WORDS, SEMAPHORES, UNIT_OF_OP, WORD_BITS, Instr, Op, Unit, encode


@dataclass(frozen=True)
class Needs:
    """Highest address used plus one, by space, before relocation; ``rx_lines``/``tx_lines`` of a request.

    vec, acc, actc are sizes of the context's regions; wgtd and cst of the service's regions; the rest are
    absolute. Blocks for actc, actd, wgtc, wgtd, sob; lines for the others; ``dram`` in bytes.
    """

    vec: int = 0
    acc: int = 0
    actc: int = 0
    wgtd: int = 0
    cst: int = 0
    actd: int = 0
    wgtc: int = 0
    stg: int = 0
    sof: int = 0
    sob: int = 0
    dram: int = 0
    rx_lines: int = 0
    tx_lines: int = 0

    def merge(self, other: Needs) -> Needs:
        """Element-wise maximum."""
        return Needs(**{f.name: max(getattr(self, f.name), getattr(other, f.name)) for f in fields(Needs)})


@dataclass
class Program:
    """Four streams and metadata.

    ``sem_init`` holds the semaphores at start (training; all zero for inference), ``training`` says what
    kind of context runs it. ``phases[unit]`` names what each instruction of a stream serves, where its maker said so;
    it is no part of the program proper.
    """

    streams: dict[Unit, list[Instr]] = field(default_factory=lambda: {u: [] for u in Unit})
    name: str = "program"
    training: bool = False
    sem_init: tuple[int, ...] = (0,) * SEMAPHORES
    needs: Needs = Needs()
    phases: dict[Unit, list[str]] = field(default_factory=lambda: {u: [] for u in Unit}, compare=False)

    def add(self, ins: Instr, unit: Unit | None = None) -> None:
        """Append to the stream that the opcode decides; NOP needs ``unit``."""
        if ins.op == Op.NOP:
            if unit is None:
                raise ValueError("NOP: which unit's stream is it for?")
        elif unit not in (None, UNIT_OF_OP[ins.op]):
            raise ValueError(f"{ins.op.name} cannot stand in the stream of {Unit(unit).name}")
        else:
            unit = UNIT_OF_OP[ins.op]
        self.streams[Unit(unit)].append(ins)

    @property
    def pc_valid(self) -> int:
        """Bit mask of the units that have a stream."""
        return sum(1 << u for u in Unit if self.streams[u])

    def set_last(self) -> Program:
        """Set the ``last`` flag on the last instruction of each stream, and clear it elsewhere."""
        for stream in self.streams.values():
            for pos, ins in enumerate(stream):
                stream[pos] = with_fields(ins, last=int(pos == len(stream) - 1))
        return self

    def words(self, unit: Unit) -> list[int]:
        """The stream as instruction words (integers of 384 bits)."""
        return [encode(i) for i in self.streams[unit]]

    def __len__(self) -> int:
        return sum(map(len, self.streams.values()))


def with_fields(ins: Instr, **values: int) -> Instr:
    """A copy of an instruction with some fields replaced (values unchecked beyond their names)."""
    unknown = set(values) - set(ins.fields)
    if unknown:
        raise ValueError(f"{ins.op.name}: no field '{sorted(unknown)[0]}'")
    return replace(ins, fields={**ins.fields, **values})


def words32(word: int) -> list[int]:
    """An instruction word as 32-bit words, least significant first, as CSR ``IMEM_DATA`` takes them."""
    return [word >> WORD_BITS * n & 0xFFFFFFFF for n in range(INSTR_WORDS)]


@dataclass
class Linked:
    """Programs placed in the instruction memories.

    ``imem[unit]`` holds the words from address 0; ``pc[name][unit]`` is the first instruction of each stream.
    """

    imem: dict[Unit, list[int]]
    pc: dict[str, tuple[int, ...]]


def link(programs: Sequence[Program] | Iterable[Program], depth: int) -> Linked:
    """Place programs one after another in the four instruction memories of ``depth`` instructions.

    Raises:
        ValueError: they do not fit, or two have one name.
    """
    imem: dict[Unit, list[int]] = {u: [] for u in Unit}
    pcs: dict[str, tuple[int, ...]] = {}
    for prog in programs:
        if prog.name in pcs:
            raise ValueError(f"two programs are called '{prog.name}'")
        pcs[prog.name] = tuple(len(imem[u]) for u in Unit)
        for u in Unit:
            imem[u] += prog.words(u)
            if len(imem[u]) > depth:
                raise ValueError(
                    f"instruction memory of {u.name}: need {len(imem[u])} with program '{prog.name}', "
                    f"have {depth} (IMEM_DEPTH)"
                )
    return Linked(imem, pcs)
