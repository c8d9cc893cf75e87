"""Proves that a mutant cannot be noticed, where a SAT solver can.

Wanted is a set of register bits that are the same in the module and the mutant for ever, once they are, and on which
the outputs depend: found by starting with all bits and leaving out those that come to differ, over all states
(reachable or not) and all inputs. Memories must be written and read alike. A mutant that only differs in states that
never occur is not proved equivalent here; such ones are explained in survivors.yaml.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from verif.flow.mutants.campaign import Dut
from verif.flow.mutants.netlist import Mutant, elaborate
from verif.lib import process, yosys

LIMIT_S = 60
_PLAIN = ["dffunmap", "setundef -undriven -zero", "setundef -zero"]


def plain(mutant: Mutant, library: Sequence[Path]) -> dict[str, Any]:
    """A mutant as plain data, for :func:`job`."""
    dut = {**asdict(mutant.dut), "path": str(mutant.dut.path), "params": dict(mutant.dut.params)}
    return {
        "mutant": {
            "number": mutant.number,
            "block": mutant.block,
            "netlist": mutant.netlist,
            "command": mutant.command,
        },
        "dut": dut,
        "library": [str(path) for path in library],
    }


def job(args: dict[str, Any], folder: Path) -> dict[str, bool]:
    """A job of the campaign."""
    dut = Dut(**{**args["dut"], "path": Path(args["dut"]["path"])})
    return {"equivalent": equivalent(Mutant(dut=dut, **args["mutant"]), [Path(path) for path in args["library"]])}


def equivalent(mutant: Mutant, library: Sequence[Path], limit: float = LIMIT_S) -> bool:
    """Whether the mutant is proved equal to its module;
    False also when it is not known after ``limit`` seconds a step.
    """
    name = mutant.netlist
    with tempfile.TemporaryDirectory() as folder:
        steps = [
            *elaborate(mutant.dut, library, name),
            "design -save base",
            *_PLAIN,
            f"rename {name} gold",
            "design -save gold",
            "design -load base",
            mutant.command,
            *_PLAIN,
            f"rename {name} gate",
            "design -save gate",
            f"python verif.flow.mutants.cut:relate {folder} {int(limit)}",
        ]
        try:
            ok, words = yosys.run(steps, timeout=3 * limit)
        except process.TimeoutExpired:
            return False
    if not ok or "RELATED" not in words:
        lines = [line for line in words.splitlines() if "ERROR" in line] or words.splitlines()[-3:]
        raise RuntimeError(f"{mutant.block} {mutant.number}: Yosys fails: {' / '.join(lines)}")
    return "\nRELATED" in words
