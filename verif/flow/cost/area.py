"""Area of a netlist by block, part and use: cells by the library, memories by :mod:`equinox_core.cost.memory`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from equinox_core.config import Config
from equinox_core.cost import memory
from verif.flow.cost import library, netlist

FILE = Path(__file__).with_name("blocks.yaml")
USES = ("inference", "training", "both")
_KEYS = {"part", "block", "use", "paths", "registers"}


class BlocksError(ValueError):
    """blocks.yaml is malformed, or does not fit the netlist; one line."""


@dataclass(frozen=True)
class Block:
    """An entry of blocks.yaml, its patterns compiled."""

    part: str
    name: str
    use: str
    patterns: tuple[re.Pattern[str], ...]
    registers: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)

    def fits(self, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self.patterns)


def load_blocks(cfg: Config, file: Path = FILE) -> list[Block]:
    """The entries, for the contexts of a configuration.

    Raises:
        BlocksError: the file is malformed.
    """
    contexts = {
        "{inf}": f"(?:{'|'.join(str(c) for c in range(cfg.C_INF))})",
        "{trn}": f"(?:{'|'.join(str(c) for c in range(cfg.C_INF, cfg.CTX))})",
    }
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BlocksError(f"{file}: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list):
        raise BlocksError(f"{file}: legal is a list of blocks")
    return [_block(entry, f"{file}: entry {number}", contexts) for number, entry in enumerate(entries, 1)]


def _block(entry: Any, where: str, contexts: Mapping[str, str]) -> Block:
    if not isinstance(entry, dict) or not _KEYS >= set(entry) >= _KEYS - {"registers"}:
        raise BlocksError(f"{where}: legal are {', '.join(sorted(_KEYS))}, registers may be left out")
    registers = entry.get("registers", {})
    for use in (entry["use"], *registers.values()):
        if use not in USES:
            raise BlocksError(f"{where}: use {use!r}: legal are {', '.join(USES)}")
    patterns = []
    for text in entry["paths"]:
        for name, numbers in contexts.items():
            text = text.replace(name, numbers)
        try:
            patterns.append(re.compile(text))
        except re.error as error:
            raise BlocksError(f"{where}: path {text!r}: {error}") from None
    return Block(entry["part"], entry["block"], entry["use"], tuple(patterns), registers)


@dataclass(frozen=True)
class Amount:
    """Area in µm² and what it is made of. ``ff``: flip-flops; ``ungated``: those that are clocked in every cycle;
    ``bits``: of memories.
    """

    logic: float = 0.0
    sram: float = 0.0
    ff: int = 0
    bits: int = 0
    ungated: int = 0

    def __add__(self, other: Amount) -> Amount:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Amount(*(mine + theirs for mine, theirs in pairs))


@dataclass(frozen=True)
class Areas:
    """Amounts by block and use, and the inventory of memories: (block, width, depth) → how many."""

    blocks: list[Block]
    by_block: dict[tuple[Block, str], Amount]
    memories: Counter[tuple[str, int, int]]

    def total(self, chosen: Callable[[Block, str], bool] = lambda block, use: True) -> Amount:
        """Sum over the blocks and uses that are chosen."""
        return sum((amount for (block, use), amount in self.by_block.items() if chosen(block, use)), Amount())

    def use(self, name: str) -> Amount:
        """What one use needs."""
        return self.total(lambda block, use: use == name)


def block_of(path: str, blocks: Sequence[Block]) -> Block:
    """The block of an instance, by its path.

    Raises:
        BlocksError: no entry fits.
    """
    for block in blocks:
        if block.fits(path):
            return block
    raise BlocksError(f"{FILE.name}: no entry fits the instance {path}")


def block_of_register(path: str, blocks: Sequence[Block]) -> Block:
    """The block of a register or memory, by the path of either: that of its instance.

    Raises:
        BlocksError: no entry fits.
    """
    for block in blocks:
        if block.fits(path):  # a memory is an instance itself
            return block
    return block_of(path.rpartition("/")[0], blocks)


def areas(
    after: netlist.Netlist,
    sizes: Mapping[str, netlist.Memory],
    registers: Mapping[str, Mapping[str, int]],
    ungated: Mapping[str, int],
    blocks: list[Block],
) -> Areas:
    """Area of a mapped netlist.

    Args:
        after: the netlist.
        sizes: its memories, by module.
        registers: flip-flops of each module, by the name of the register.
        ungated: flip-flops of each module that are clocked in every cycle.

    Raises:
        BlocksError: an instance that no entry fits, or an entry or a register of one that fits none.
    """
    cells = library.cells()
    flop = cells["DFF_X1"].area
    found: dict[tuple[Block, str], Amount] = defaultdict(Amount)
    inventory: Counter[tuple[str, int, int]] = Counter()
    missing = {(block.name, register) for block in blocks for register in block.registers}
    for path, name, module in after.walk():
        block = block_of(path, blocks)
        if name in sizes:
            width, depth = sizes[name].width, sizes[name].depth
            found[block, block.use] += Amount(sram=memory.area_um2(width, depth), bits=width * depth)
            inventory[block.name, width, depth] += 1
            continue
        logic = sum(cells[kind].area * n for kind, n in module.cells.items())
        held = sum(n for kind, n in module.cells.items() if cells[kind].state == "ff")
        for register, use in block.registers.items():
            bits = registers.get(name, {}).get(register, 0)
            if bits:
                missing.discard((block.name, register))
            found[block, use] += Amount(logic=bits * flop, ff=bits)
            logic, held = logic - bits * flop, held - bits
        found[block, block.use] += Amount(logic=logic, ff=held, ungated=ungated.get(name, 0))
    used = {block.name for block, _ in found}
    if idle := [block.name for block in blocks if block.name not in used]:
        raise BlocksError(f"{FILE.name}: no instance fits {', '.join(idle)}")
    if missing:
        names = ", ".join(f"{register} of {block}" for block, register in sorted(missing))
        raise BlocksError(f"{FILE.name}: no such register: {names}")
    return Areas(blocks, dict(found), inventory)
