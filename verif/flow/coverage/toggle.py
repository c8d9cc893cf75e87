"""The toggle job: both edges of every bit of the modules' ports, in builds of its own and few runs, since it is slow.

Only ports are instrumented (Verilator's ``coverage_off`` for what follows a module's header), which keeps the build at
a fraction of the time of one that watches every signal. Instruction words do not count (:data:`items.WIDEST`); the
structs that hold them do, field by field.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from equinox_core.config import load_config
from equinox_core.deploy.scenario import Scenario
from verif.env.simulate import LIBRARY, simulate
from verif.lib.keep import write_whole
from verif.lib.rtl import closure, header_end
from verif.lib.sim import ROOT, SimFailure, run_block

FOLDER = ROOT / "build" / "toggle"
CONFIG = "tiny"
BOTH = "lstm,mlp"
FILES = ("+dram_dump=dump.bin", "+dram_load=load.bin")  # of the DRAM in the DMA's bench
RUNS: tuple[tuple[str, dict], ...] = (  # test and knobs
    ("isa", {"train": "off", "seed": 1, "dram_stall": 20}),
    ("isa", {"train": "off", "seed": 2}),
    ("replay", {"policy": "priority", "service": BOTH, "requests": 24, "steps": 2}),
    ("replay", {"policy": "fair", "service": BOTH, "requests": 16, "steps": 1, "rsp_stall": 40, "dram_stall": 30}),
    ("replay", {"policy": "slack", "service": BOTH, "requests": 16, "steps": 1}),
    ("request_errors", {"train": "off", "policy": "fair"}),
    ("service_errors", {"train": "off", "policy": "inference_only"}),
    ("error_space", {}),
    ("csr", {}),
)
BLOCKS = {  # benches, and the parameters of the configuration that they take
    "frontend": "CTX C_INF N SERVICES IMEM_DEPTH RX_SLOTS",
    "request_dispatcher": "L N C_INF SERVICES QUEUE_DEPTH RX_SLOTS RX_LINES TX_LINES",
    "responder": "L N C_INF TX_LINES",
    "csr": "N M W CTX C_INF SERVICES",
    "mmu": "N M W ACTC_DEPTH ACTD_DEPTH WGTC_DEPTH WGTD_DEPTH ACC_DEPTH",
    "vpu": "N M W",
    "dma": "N M W",
}
NOT_HERE = {"request_dispatcher": "FewSlots"}
"""Tests of a bench that are for another size than the configuration's: a pattern of their names."""


class ToggleError(RuntimeError):
    """A run of the job failed; the message names it and says why."""


def port_filter(sources: Iterable[Path]) -> Path:
    """Verilator's configuration file that leaves only the ports of ``rtl/`` to toggle coverage."""
    rules = ["`verilator_config"]
    for path in sources:
        text = path.read_text(encoding="utf-8")
        first = header_end(text) + 1 if path.is_relative_to(ROOT / "rtl") else 1
        rules.append(f'coverage_off -file "{path}" -lines {first}-{text.count(chr(10)) + 1}')
    text = "\n".join(rules) + "\n"
    target = FOLDER / f"ports-{hashlib.sha256(text.encode()).hexdigest()[:12]}.vlt"
    write_whole(target, text)
    return target


def _options(sources: Iterable[Path]) -> dict:
    wide = ["--coverage-max-width", "65536"]  # of a whole port
    return {"toggle": True, "coverage": False, "extra_args": [*wide, str(port_filter(sources))]}


def _chip(number: int, test: str, knobs: dict) -> None:
    scenario = Scenario(config=CONFIG, test=f"equinox_{test}_test", **{"requests": 24, "steps": 2, **knobs})
    options = _options(closure(ROOT / "verif/tb/tb_equinox.sv", library=LIBRARY))
    simulate(scenario, FOLDER / "runs" / f"{number}-{test}", timeout=3600, check=True, **options)


def _block(dut: str, names: str) -> None:
    cfg, folder = load_config(CONFIG), ROOT / "verif/block" / dut
    options = _options(closure(folder / f"tb_{dut}.sv", library=(ROOT / "rtl", ROOT / "verif")))
    params = {name: getattr(cfg, name) for name in names.split()}
    run_block(
        folder,
        params=params,
        timeout=3600,
        opt="-O0",
        public=[("csr_backdoor", "*")] if dut == "csr" else (),
        test_filter=f"^(?!.*(?:{NOT_HERE[dut]}))" if dut in NOT_HERE else None,
        plusargs=FILES,
        **options,
    )


def run_all(say: Callable[[str], None], only: Iterable[str] = ()) -> Path:
    """Build and run everything, or only some tests and blocks by name; returns the folder with the coverage data.

    Raises:
        ValueError: a name is none.
        ToggleError: a run failed.
    """
    jobs = [(test, partial(_chip, number, test, knobs)) for number, (test, knobs) in enumerate(RUNS, 1)]
    jobs += [(dut, partial(_block, dut, names)) for dut, names in BLOCKS.items()]
    known, wanted = dict.fromkeys(name for name, _ in jobs), set(only)
    if unknown := sorted(wanted - set(known)):
        raise ValueError(f"BLOCK = {','.join(unknown)!r}: legal are {', '.join(known)}, joined by commas")
    jobs = [(name, job) for name, job in jobs if not wanted or name in wanted]
    folder = FOLDER / "cov"
    shutil.rmtree(folder, ignore_errors=True)
    before = os.environ.get("EQX_OUT")
    os.environ["EQX_OUT"] = str(FOLDER)
    try:
        for number, (name, job) in enumerate(jobs, 1):
            say(f"[toggle] {number} of {len(jobs)}: {name}")
            try:
                job()
            except SimFailure as error:
                raise ToggleError(f"toggle job, {name}: {error}") from None
    finally:
        os.environ.pop("EQX_OUT") if before is None else os.environ.update(EQX_OUT=before)
    return folder
