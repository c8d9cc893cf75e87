"""Proves or refutes the assertions of a wrapper, as jobs of a campaign.

Yosys makes an and-inverter graph of wrapper and module: registers without reset may begin with anything, inputs do what
they like. abc then proves the assertions, in one of three ways:

- induction: they hold in the first cycles, and all of them together, for any cycles in a row whatever the state, imply
  themselves in the next one;
- PDR (property-directed reachability): abc finds an invariant that holds from the first cycle on and implies them;
- bounded, where the list says `depth`: no inputs break one in so many cycles from reset on.

The first two hold for all times. Assertions that describe the whole state close by induction in a second where PDR
would have to find that description again, clause by clause. A planted fault is refuted by the inputs that break its
assertion: looked for cycle by cycle first, then by PDR.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyosys

from verif.flow.campaign.engine import Campaign
from verif.flow.campaign.executor import executor
from verif.flow.campaign.job import DONE, Job, Record
from verif.flow.campaign.store import Store
from verif.flow.formal.proofs import FOLDER, Fault, Proof
from verif.lib import anchor, keep, process, yosys
from verif.lib.keep import write_whole
from verif.lib.rtl import RTL, closure
from verif.lib.toolchain import ROOT

CALL = "verif.flow.formal.prove:run_job"
LIMIT = 900.0  # seconds
PROVED, REFUTED = "proved", "refuted"
INDUCTION, PDR, BOUNDED = "induction", "PDR", "bounded"
STEPS, BASE, LOOK = 3, 4, 60  # cycles: assumed in a step of induction; looked at before; looked at for a fault
PATIENCE, LAST = 60, 600  # seconds for an induction, or for a fault cycle by cycle, before PDR is tried; for PDR
_ABC = Path(pyosys.__file__).with_name("yosys-abc")
_SOURCES = ("rtl", "verif/formal", "verif/flow/formal", "verif/lib/yosys.py")


class FormalError(RuntimeError):
    """A module cannot be read, or nothing came of a proof; one line."""


def jobs_of(proof: Proof) -> list[Job]:
    """A job for each size, and one for each fault."""
    sources = keep.fingerprint(_SOURCES, ("pyosys",))
    works: list[tuple[str, Mapping[str, int], Fault | None]] = [(_at(size), size, None) for size in proof.sizes]
    works += [(f"{n}, {fault.breaks} broken", fault.size, fault) for n, fault in enumerate(proof.faults, 1)]
    found = []
    for name, size, fault in works:
        args = {
            "module": proof.module,
            "top": proof.top,
            "size": dict(size),
            "cuts": list(proof.cuts),
            "depth": proof.depth,
            "fault": asdict(fault) if fault else None,
        }
        key = hashlib.sha256(f"{sources} {json.dumps(args)}".encode()).hexdigest()[:16]
        found.append(Job(f"{proof.module} {name}", key, args, LIMIT))
    return found


def _at(size: Mapping[str, int]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in size.items()) or "as it is"


def run_job(args: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The campaign's function: ``verdict``; of a proof ``how``; of a refutation ``label`` and ``frame``, the cycle.

    Raises:
        FormalError: the sources cannot be read, or there is no verdict.
    """
    began = time.monotonic()
    fault, top = args["fault"], args["top"]
    files = closure(top, library=(RTL, FOLDER))
    if fault:
        if fault["part"] not in (path.stem for path in files):
            raise FormalError(f"{top}: {fault['part']} is no part of {args['module']}")
        files = [_changed(path, fault, folder) if path.stem == fault["part"] else path for path in files]
    labels = _graph(top, args["size"], files, args["cuts"], fault and fault["breaks"], folder)
    ways = _ways(args["depth"], bool(fault))
    for n, (how, commands) in enumerate(ways):
        said = _abc(commands, folder)
        seconds = round(time.monotonic() - began, 1)
        if found := re.search(r"Output (\d+) of miter .* was asserted in frame (\d+)", said):
            return {"verdict": REFUTED, "seconds": seconds, "label": labels[int(found[1])], "frame": int(found[2])}
        if _closed(how, said, args["depth"]):
            return {"verdict": PROVED, "seconds": seconds, "how": how, "assertions": len(labels)}
        if n == len(ways) - 1:
            raise FormalError(f"{top}: abc gives no verdict: {' / '.join(said.strip().splitlines()[-2:])}")
    raise AssertionError("there is always a way")


def _ways(depth: int, refute: bool) -> list[tuple[str, str]]:
    """How a verdict is looked for, one after the other: a name, and abc's commands."""
    if depth:
        return [(BOUNDED, f"bmc3 -F {depth}")]
    pdr = (PDR, f"pdr -T {LAST}")
    if refute:
        return [("", f"bmc3 -F {LOOK} -T {PATIENCE}"), pdr]
    return [(INDUCTION, f"bmc3 -F {BASE}; orpos; ind -F {STEPS} -T {PATIENCE}"), pdr]


def _closed(how: str, said: str, depth: int) -> bool:
    """Whether abc's words are those of a proof."""
    looked = re.search(r"No output asserted in (\d+) frames", said)
    if how == BOUNDED:
        return bool(looked) and int(looked[1]) >= depth
    if how == INDUCTION:  # STEPS <= BASE: the first cycles cover what a step assumes
        return bool(looked) and int(looked[1]) >= BASE and "Networks are equivalent" in said
    return how == PDR and "Property proved" in said


def _abc(commands: str, folder: Path) -> str:
    """What abc says of the graph in the folder."""
    said: str = process.run(
        [str(_ABC), "-c", f"read_aiger proof.aig; fold; strash; {commands}; write_cex -n -f cex.txt"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    ).stdout
    write_whole(folder / "abc.log", said)
    return said


def _changed(path: Path, fault: Mapping[str, Any], folder: Path) -> Path:
    copy = folder / path.name
    write_whole(copy, anchor.replaced(path.read_text(encoding="utf-8"), fault["find"], fault["replace"]))
    return copy


def _graph(
    top: str, size: Mapping[str, int], files: Sequence[Path], cuts: Sequence[str], only: str | None, folder: Path
) -> list[str]:
    """Write ``proof.aig``; returns the labels of its assertions, in the order of its outputs."""
    given = " ".join(f"-G {key}={value}" for key, value in size.items())
    names = " ".join(str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path) for path in files)
    ok, words = yosys.run(
        [
            f"read_slang -D SYNTHESIS --top {top} {given} {names}",
            f"hierarchy -check -top {top}",
            *("proc", "flatten", "chformal -lower", "async2sync", "opt_clean"),
            *(f"{step} w:{cut}" for cut in map(_pattern, cuts) for step in ("select -assert-count 1", "cutpoint")),
            *([f"delete t:$assert n:{only} %d"] if only else []),
            *("memory -nomap", "memory_map", "opt", "setundef -undriven -anyseq", "setundef -anyseq"),
            *("delete -output", "dffunmap", "opt_clean", "techmap", "dffunmap", "setundef -anyseq", "aigmap"),
            f"python verif.flow.formal.prove:dump {folder / 'labels.txt'}",
            f"write_aiger -I -B -zinit -symbols {folder / 'proof.aig'}",
        ]
    )
    write_whole(folder / "yosys.log", words)
    if not ok:
        lines = [line for line in words.splitlines() if re.search(r"ERROR|\berror:", line)] or words.splitlines()[-2:]
        raise FormalError(f"{top}: Yosys fails: {' / '.join(lines[:2]).strip()}")
    labels = (folder / "labels.txt").read_text(encoding="utf-8").split()
    if not labels:
        raise FormalError(f"{top}: nothing to prove is left")
    return labels


def _pattern(name: str) -> str:
    """A signal's name as a pattern of Yosys, in which brackets would be a choice of letters."""
    return re.sub(r"([\[\]])", r"\\\1", name)


def dump(design: Any, file: str) -> None:
    """Inside Yosys: the labels of all assertions, in the order in which they are written out."""
    names = [cell.name.str() for cell in design.top_module().selected_cells() if cell.type.str() == "$assert"]
    Path(file).write_text("\n".join(name.removeprefix("\\") for name in names), encoding="utf-8")


def prove(
    proofs: Iterable[Proof], folder: Path, jobs: int, say: Callable[[str], None], cluster: str = ""
) -> dict[Job, Record]:
    """Run all sizes and faults; what is known is not run again."""
    works = [job for proof in proofs for job in jobs_of(proof)]
    engine = Campaign(CALL, Store(folder / "jobs"), say, tell)
    with executor(cluster, jobs) as pool:
        return engine.run(works, pool)


def verdict(job: Job, record: Record) -> str:
    """Empty where the job ended as it has to; else what is wrong."""
    if record.status != DONE:
        return record.reason
    data, fault = record.data, job.args["fault"]
    if fault is None:
        return "" if data["verdict"] == PROVED else f"{data['label']} does not hold, broken in cycle {data['frame']}"
    return "" if data["verdict"] == REFUTED else f"the fault is not found: {fault['find']} -> {fault['replace']}"


def tell(job: Job, record: Record) -> str:
    """The line on a job that is done."""
    return f"{job.name}: {verdict(job, record) or record.data['verdict']}"
