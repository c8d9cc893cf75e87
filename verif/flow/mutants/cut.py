"""Finds a relation between the states of two copies of a module, under which they cannot be told apart.

Runs inside Yosys' interpreter (``python`` steps of verif.lib.yosys). Registers and memories are cut out: what they hold
becomes inputs, what goes into them outputs, named ``cut<n>_<port>``, with n the place of the cell's name among theirs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from pyosys import libyosys as ys

_HELD = {"$memrd_v2": "DATA", "$memrd": "DATA"}
_FED = {
    "$memrd_v2": ("ADDR", "EN", "ARST", "SRST"),
    "$memrd": ("ADDR", "EN"),
    "$memwr_v2": ("ADDR", "DATA", "EN"),
    "$memwr": ("ADDR", "DATA", "EN"),
}


def _ports(cell: ys.Cell) -> tuple[str | None, tuple[str, ...]]:
    kind = cell.type.str()
    if kind in _FED:
        return _HELD.get(kind), _FED[kind]
    if "dff" in kind or kind in ("$ff", "$sr"):
        return "Q", ("D", "ARST", "SRST", "EN", "SET", "CLR", "AD", "ALOAD")
    return None, ()


def cut(design: ys.Design, name: str, loose: set[tuple[int, int]], free: bool) -> None:
    """Cut a module open.

    ``loose``: (n, bit) of registers in which two copies may differ: what goes into them is not looked at, and what they
    hold is any value instead of an input's in the copy that is ``free``.
    """
    module = design.module(ys.IdString(f"\\{name}"))
    cells = [cell for cell in module.cells_.values() if _ports(cell)[1]]
    for n, cell in enumerate(sorted(cells, key=lambda c: c.name.str())):
        held, fed = _ports(cell)
        for port in fed:
            if cell.hasPort(ys.IdString(f"\\{port}")):
                signal = cell.getPort(ys.IdString(f"\\{port}"))
                wire = module.addWire(ys.IdString(f"\\cut{n}_{port}"), signal.size())
                wire.port_output = True
                if port == "D":
                    for bit in range(signal.size()):
                        if (n, bit) in loose:
                            signal.replace(bit, ys.SigSpec(ys.Const(0, 1)))
                module.connect(ys.SigSpec(wire), signal)
        if held is not None:
            signal = cell.getPort(ys.IdString(f"\\{held}"))
            wire = module.addWire(ys.IdString(f"\\cut{n}_{held}"), signal.size())
            wire.port_input = True
            value = ys.SigSpec(wire)
            for bit in range(signal.size()):
                if free and (n, bit) in loose:
                    any_value = module.addWire(ys.IdString(f"\\any{n}_{bit}"), 1)
                    source = module.addCell(ys.IdString(f"\\anyseq{n}_{bit}"), ys.IdString("$anyseq"))
                    source.setParam(ys.IdString("\\WIDTH"), ys.Const(1, 32))
                    source.setPort(ys.IdString("\\Y"), ys.SigSpec(any_value))
                    value.replace(ys.SigSpec(wire, bit, 1), ys.SigSpec(any_value))
            module.connect(signal, value)
        module.remove(cell)
    module.fixup_ports()


def _differing(file: Path) -> dict[str, set[int]]:
    """Bits of each output in which a counterexample's copies differ."""
    values: dict[str, dict[str, str]] = {}
    for signal in json.loads(file.read_text(encoding="utf-8"))["signal"]:
        match = re.fullmatch(r"\\?(gold|gate)_(.+)", signal["name"])
        if match:
            values.setdefault(match[2], {})[match[1]] = signal["data"][0] if "data" in signal else signal["wave"][0]
    return {
        name: {n for n, (a, b) in enumerate(zip(reversed(v["gold"]), reversed(v["gate"]), strict=True)) if a != b}
        for name, v in values.items()
        if v.keys() >= {"gold", "gate"}
    }


def relate(design: ys.Design, folder: str, limit: str) -> None:
    """Start from equal states; leave out bits of registers that come to differ, until no others do (then print RELATED)
    or an output does.

    The two copies are the saved designs ``gold`` and ``gate``, with modules of these names. ``limit``: seconds for each
    proof.
    """
    loose: set[tuple[int, int]] = set()
    answer, model = Path(folder) / "answer.txt", Path(folder) / "model.json"
    while True:
        for name in ("gold", "gate"):
            ys.run_pass(f"design -load {name}", design)
            cut(design, name, loose, free=name == "gate")
            ys.run_pass(f"design -stash {name}_cut", design)
        for name in ("gold", "gate"):
            ys.run_pass(f"design -copy-from {name}_cut {name}", design)
        for step in (
            "miter -equiv -make_outputs -flatten gold gate both",
            "hierarchy -top both",
            "opt -full",
            f"tee -q -o {answer} sat -prove trigger 0 -show-outputs -timeout {limit} -dump_json {model} both",
        ):
            ys.run_pass(step, design)
        words = answer.read_text(encoding="utf-8")
        ys.run_pass("design -reset", design)
        if "SUCCESS" in words:
            print(f"RELATED without {len(loose)} bits")
            return
        if "FAIL" not in words:
            print("NOT RELATED: no answer")
            return
        differing = {name: bits for name, bits in _differing(model).items() if bits}
        held = {name: re.fullmatch(r"cut(\d+)_D", name) for name in differing}
        seen = [name for name, match in held.items() if match is None]
        if seen or not held:
            print(f"NOT RELATED: {', '.join(seen)} may differ")
            return
        loose |= {(int(match[1]), bit) for name, match in held.items() if match for bit in differing[name]}
