"""Clock of a netlist before layout, by OpenSTA: of the whole core and of each block, memories included.

Wires have no length; inputs and outputs of the core are not timed, nor is reset. A block's clock is that of the slowest
path which ends in a register or memory of it, wherever the path begins.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from equinox_core.cost import memory
from equinox_core.hw.params import clog2
from verif.flow.cost import library, netlist
from verif.flow.cost.area import Block
from verif.lib import process

TIMER = "sta"
_ENDPOINTS = 1_000_000  # more than any core has: every endpoint is reported with its slowest path
_LIMIT_S = 1800.0

_SCRIPT = """read_liberty {cells}
read_liberty {memories}
read_verilog {netlist}
link_design {top}
create_clock -name clk -period {period} [get_ports clk_i]
set_false_path -from [all_inputs]
puts "== all"
report_checks -group_count {endpoints} -format summary -digits 4 \\
  -from [all_registers -clock_pins] -to [all_registers -data_pins]
puts "== worst"
report_checks -format full -fields {{capacitance slew}} -digits 3 \\
  -from [all_registers -clock_pins] -to [all_registers -data_pins]
puts "== end"
"""


class TimerError(RuntimeError):
    """OpenSTA is not there or does not end well; one line."""


@dataclass(frozen=True)
class Path_:
    """The slowest path to an endpoint: names of register bits or memories, the delay in ns with the setup time."""

    start: str
    end: str
    ns: float

    @property
    def mhz(self) -> float:
        return 1000.0 / self.ns


def memory_liberty(sizes: Mapping[str, netlist.Memory]) -> str:
    """Liberty of the memories as black boxes, times by :mod:`equinox_core.cost.memory`."""
    lines = [
        "library (memories) {",
        '  delay_model : table_lookup; time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA";',
        '  pulling_resistance_unit : "1kohm"; leakage_power_unit : "1nW"; capacitive_load_unit (1,ff);',
        "  nom_voltage : 1.1; nom_temperature : 25; nom_process : 1;",
        *(f"  {kind}_threshold_pct_{edge} : 50;" for kind in ("input", "output") for edge in ("rise", "fall")),
        *(
            f"  slew_lower_threshold_pct_{edge} : 30; slew_upper_threshold_pct_{edge} : 70;"
            for edge in ("rise", "fall")
        ),
    ]
    widths = sorted({bits for size in sizes.values() for bits in (size.width, clog2(size.depth) or 1)})
    for bits in widths:
        lines.append(
            f"  type (b{bits}) {{ base_type : array; data_type : bit; bit_width : {bits}; "
            f"bit_from : {bits - 1}; bit_to : 0; }}"
        )
    setup = "".join(
        f'timing () {{ related_pin : "clk_i"; timing_type : {kind}_rising; '
        f'rise_constraint (scalar) {{ values ("{value}"); }} fall_constraint (scalar) {{ values ("{value}"); }} }} '
        for kind, value in (("setup", memory.SETUP_NS), ("hold", 0.0))
    )
    for name, size in sizes.items():
        access = memory.access_ns(size.width, size.depth)
        read = (
            'timing () { related_pin : "clk_i"; timing_type : rising_edge; '
            f'cell_rise (scalar) {{ values ("{access:.3f}"); }} cell_fall (scalar) {{ values ("{access:.3f}"); }} '
            'rise_transition (scalar) { values ("0.04"); } fall_transition (scalar) { values ("0.04"); } }'
        )
        address = clog2(size.depth) or 1
        lines.append(f"  cell ({name}) {{ area : {memory.area_um2(size.width, size.depth):.0f};")
        lines.append("    pin (clk_i) { direction : input; clock : true; capacitance : 20; }")
        lines += [f"    pin ({pin}) {{ direction : input; capacitance : 5; {setup}}}" for pin in ("we_i", "re_i")]
        lines += [
            f"    bus ({pin}) {{ bus_type : b{bits}; direction : input; capacitance : 5; {setup}}}"
            for pin, bits in (("waddr_i", address), ("raddr_i", address), ("wdata_i", size.width))
        ]
        lines.append(f"    bus (rdata_o) {{ bus_type : b{size.width}; direction : output; {read} }}")
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def timer() -> str:
    """Path of OpenSTA.

    Raises:
        TimerError: it is not installed.
    """
    found = shutil.which(TIMER)
    if found is None:
        raise TimerError(
            "OpenSTA (the command sta) is not installed: apt-get install opensta; without SPEED=1 it is not needed"
        )
    return found


def run(
    folder: Path, after: netlist.Netlist, sizes: Mapping[str, netlist.Memory], period: float
) -> tuple[list[Path_], str]:
    """Slowest path to every register and memory of ``folder``/netlist.v, the slowest first, and the report of the
    slowest.

    Raises:
        TimerError: OpenSTA is not installed, or finds fault with the netlist.
    """
    top = after.top
    memories, script = folder / "memories.lib", folder / "timing.tcl"
    memories.write_text(memory_liberty(sizes), encoding="utf-8")
    script.write_text(
        _SCRIPT.format(
            cells=library.liberty(),
            memories=memories,
            netlist=folder / "netlist.v",
            top=top,
            period=period,
            endpoints=_ENDPOINTS,
        ),
        encoding="utf-8",
    )
    done = process.run(
        [timer(), "-exit", "-no_splash", str(script)], capture_output=True, encoding="utf-8", timeout=_LIMIT_S
    )
    words = done.stdout + done.stderr
    (folder / "timing.log").write_text(words, encoding="utf-8")
    if done.returncode or "== end" not in words:
        lines = [line for line in words.splitlines() if re.search(r"\bError\b|\berror\b", line)]
        said = " / ".join(lines[:2]) or "no report"
        raise TimerError(f"{top}: OpenSTA fails: {said} (all of it: {folder}/timing.log)")
    if missing := re.search(r".*[Cc]reating black box.*", words):  # a cell without a model
        raise TimerError(f"{top}: {missing[0]} (all of it: {folder}/timing.log)")
    summary, worst = words.split("== all")[1].split("== worst")
    return paths(summary, period, register_names(folder / "netlist.v", after)), worst.split("== end")[0]


def paths(summary: str, period: float, names: Mapping[str, str]) -> list[Path_]:
    """The lines of OpenSTA's summary, the slowest first; ``names``: of registers, by the path of their cell."""
    found = []
    for line in summary.splitlines():
        match = re.fullmatch(r"(\S+) \(\S+\)\s+(\S+) \(\S+\)\s+(-?[\d.]+)", line.strip())
        if match:
            start, end = (pin.replace("\\", "").rpartition("/")[0] for pin in (match[1], match[2]))
            ns = round(period - float(match[3]), 4)
            found.append(Path_(names.get(start, start), names.get(end, end), ns))
    return sorted(found, key=lambda path: -path.ns)


def register_names(verilog: Path, after: netlist.Netlist) -> dict[str, str]:
    """Names of all register bits, by the path of their cell: the net that the cell drives, in place of its number."""
    nets = netlist.register_bits(verilog)
    return {
        f"{path}/{cell}".lstrip("/"): f"{path}/{net}".lstrip("/")
        for path, module, _ in after.walk()
        for cell, net in nets.get(module, {}).items()
    }


def slowest(found: list[Path_], block_of: Callable[[str], Block]) -> dict[Block, Path_]:
    """For each block the slowest path that ends in it."""
    out: dict[Block, Path_] = {}
    for path in found:
        out.setdefault(block_of(path.end), path)
    return out
