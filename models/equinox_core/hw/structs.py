"""Packed structs of the RTL that more than one block, or Python, knows: layout, and packing of values.

Fields stand as in SystemVerilog: the first one is the most significant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from .params import CORE, DERIVED, INSTR_BITS, CoreParams, meanings

Value = int | Sequence[int]


@dataclass(frozen=True)
class Field:
    """A field of ``width`` bits, or ``count`` of them (element 0 least significant).

    ``type``: what it is where it is not logic, such as an enumeration or a struct of ``eqx_pkg``.
    """

    name: str
    width: int
    meaning: str = ""
    count: int = 0
    type: str = ""

    @property
    def bits(self) -> int:
        """Bits of all elements."""
        return self.width * max(1, self.count)


@dataclass(frozen=True)
class Struct:
    """A packed struct ``name`` of a package."""

    name: str
    meaning: str
    fields: tuple[Field, ...]
    package: str = "eqx_pkg"

    @property
    def bits(self) -> int:
        """Width of the whole."""
        return sum(f.bits for f in self.fields)

    def pack(self, **values: Value) -> int:
        """The struct's bits; every field must be given.

        Raises:
            ValueError: a field is missing, unknown, or out of range.
        """
        names = [f.name for f in self.fields]
        wrong = [n for n in values if n not in names] + [n for n in names if n not in values]
        if wrong:
            raise ValueError(
                f"{self.name}: {wrong[0]} is {'missing' if wrong[0] in names else 'no field'} (has {', '.join(names)})"
            )
        word = 0
        for f in self.fields:
            value = values[f.name]
            parts = list(value) if isinstance(value, Sequence) else [value]
            if len(parts) != max(1, f.count):
                raise ValueError(f"{self.name}.{f.name}: {len(parts)} values: legal are {f.count}")
            for part in reversed(parts):
                if not 0 <= part < 1 << f.width:
                    raise ValueError(f"{self.name}.{f.name} = {part}: legal range 0..{(1 << f.width) - 1}")
                word = word << f.width | int(part)
        return word

    def unpack(self, word: int) -> SimpleNamespace:
        """The fields of a word, by name; bits above the struct are ignored."""
        out, at = {}, 0
        for f in reversed(self.fields):
            parts = [word >> at + f.width * n & (1 << f.width) - 1 for n in range(max(1, f.count))]
            out[f.name] = parts if f.count else parts[0]
            at += f.bits
        return SimpleNamespace(**dict(reversed(out.items())))

    def pack_all(self, words: Iterable[int]) -> int:
        """A packed array of structs, already packed, element 0 least significant."""
        return sum(word << self.bits * n for n, word in enumerate(words))

    def unpack_all(self, words: int, count: int) -> list[SimpleNamespace]:
        """Inverse of :meth:`pack_all`, unpacked."""
        return [self.unpack(words >> self.bits * n) for n in range(count)]


CFG = Struct(
    "cfg_t",
    "A configuration: the parameters of equinox_core, and what follows from them. Made by cfg(), below.",
    (
        *(Field(name, 32, meanings(CoreParams)[name], type="int unsigned") for name in CORE),
        *(Field(d.name, 32, d.meaning, type="int unsigned") for d in DERIVED),
    ),
)

_PC = (
    Field("pc_valid", 4, "which units have a stream, index = unit_e"),
    Field("pc", 16, "first instruction of each stream", count=4),
)

CTX_ENV = Struct(
    "ctx_env_t",
    "What a unit needs to know of a context beside the instruction. Stable while the context runs.",
    (
        Field("rows", 8, "valid rows of the batch (1..N; inference)"),
        Field("vec_base", 16, "relocation of SRC_VEC / DST_VEC, lines"),
        Field("acc_base", 16, "relocation of SRC_ACC and MATMUL C, lines"),
        Field("actc_base", 16, "relocation of ASP_ACTC and CVD_ACTC, blocks"),
        Field("w_base", 16, "relocation of BSP_WGTD and LDD_WGTD, blocks"),
        Field("c_base", 16, "relocation of SRC_CST, lines"),
        Field("dram_base", 32, "relocation of DMA addresses, bytes"),
    ),
)
UNIT_REQ = Struct(
    "unit_req_t",
    "What the front end tells a unit of a context (docs/architecture.md).",
    (
        Field("kill", 1, "level: drop its instruction, start no more of its work"),
        Field("env", CTX_ENV.bits, "the same for all units", type=CTX_ENV.name),
        Field("instr_valid", 1, "its next instruction, waits already met"),
        Field("iter", 16, "LD, ST: iteration index of that instruction, already modulo ITER_MOD"),
        Field("instr", INSTR_BITS),
    ),
)
UNIT_RSP = Struct(
    "unit_rsp_t",
    "What a unit tells the front end of a context (docs/architecture.md).",
    (
        Field("instr_ready", 1, "with instr_valid: the instruction is issued"),
        Field("quiet", 1, "nothing of this context is held or in flight"),
        Field("done_valid", 1, "pulse: an instruction is complete, in order"),
        Field("done_signal", 16, "its semaphores"),
        Field("done_step", 1, "its step flag"),
        Field("err_valid", 1, "pulse: an instruction is faulty, the unit drops it"),
        Field("err_cause", 4, "eqx_isa_pkg::err_e"),
        Field("busy", 1, "its work advanced in this cycle"),
    ),
)
SVC_CFG = Struct(
    "svc_cfg_t",
    "Settings of an installed service (CSRs).",
    (
        Field("enable", 1),
        *_PC,
        Field("w_base", 16),
        Field("c_base", 16),
        Field("batch", 8, "dispatch when this many wait (1..N)"),
        Field("timeout", 32, "or when the oldest has waited so many cycles (`slack`: how long a request has time)"),
        Field("threshold", 16, "`adaptive`: inference first while more than this many wait"),
        Field("rx_lines", 8, "payload lines of a request (1..RX_LINES)"),
        Field("tx_lines", 8, "payload lines of a response (1..TX_LINES)"),
    ),
)
CTX_CFG = Struct(
    "ctx_cfg_t",
    "Settings of a context (CSRs). What follows actc_base is used by training contexts only.",
    (
        Field("vec_base", 16),
        Field("acc_base", 16),
        Field("actc_base", 16),
        *_PC,
        Field("w_base", 16),
        Field("c_base", 16),
        Field("dram_base", 32),
        Field("iters", 32, "times the program runs (1..2^32-1)"),
        Field("iter_mod", 16, "DMA iteration index counts 0..iter_mod-1 (1..65535)"),
        Field("sem_init", 4, "semaphores at start", count=16),
    ),
)
CTX_CMD = Struct(
    "ctx_cmd_t",
    "One-cycle commands to a context (CSRs).",
    (
        Field("start", 1, "training contexts: run; ignored unless idle"),
        Field("drain", 1, "finish the iteration that the furthest stream is in, then idle"),
        Field("kill", 1, "stop at once; in-flight work drains; then idle"),
        Field("clear", 1, "leave the error state"),
    ),
)
CTX_STS = Struct(
    "ctx_sts_t",
    "Status of a context.",
    (
        Field("state", 3, type="ctx_state_e"),
        Field("err_cause", 4, "eqx_isa_pkg::err_e"),
        Field("err_unit", 2, "eqx_isa_pkg::unit_e"),
        Field("steps", 32, "completed instructions with the step flag since start"),
    ),
)
CTX_SEEN = Struct(
    "ctx_seen_t",
    "Of a context's status what a probe reports when it changes.",
    (
        Field("err_unit", 2, "eqx_isa_pkg::unit_e"),
        Field("err_cause", 4, "eqx_isa_pkg::err_e"),
        Field("state", 3, type="ctx_state_e"),
    ),
)
BATCH_ROW = Struct(
    "batch_row_t",
    "One request of a batch, handed from the request dispatcher to an inference context, in row order.",
    (
        Field("age", 32, "cycles since it was queued"),
        Field("last", 1, "the batch's last row"),
        Field("ctx", 8, "inference context"),
        Field("svc", 8, "service"),
        Field("rows", 8, "rows of the batch (1..N)"),
        Field("row", 8, "row of this request"),
        Field("slot", 16, "its payload's slot in RXB"),
        Field("id", 32, "its request id"),
    ),
)
ANSWER = Struct(
    "answer_t",
    "An answer without payload.",
    (Field("status", 8, "eqx_isa_pkg::status_e"), Field("id", 32), Field("svc", 8)),
)
BATCH_END = Struct(
    "batch_end_t",
    "A batch that is to be answered. With a status other than OK no payload is sent.",
    (
        Field("status", 8, "eqx_isa_pkg::status_e"),
        Field("svc", 8),
        Field("rows", 8, "rows of the batch"),
        Field("tx_lines", 8, "payload lines of each response"),
    ),
)
HEADER = Struct(
    "header_t",
    "First beat of a request, and of a response; the bits above are 0.",
    (
        Field("id", 32, "request id"),
        Field("status", 8, "response: eqx_isa_pkg::status_e; request: ignored"),
        Field("svc", 8, "service"),
    ),
)
CONV_TAG = Struct(
    "tag_t",
    "What accompanies a line into the converter.",
    (
        Field("mode", 2, "eqx_isa_pkg::conv_e"),
        Field("space", 2, "eqx_isa_pkg::cvd_e"),
        Field("addr", 16, "ROWS: of the line's block; COLS: of the segment's first block"),
        Field("stride", 12, "COLS: from lane to lane"),
        Field("first", 1, "of the segment"),
        Field("last", 1, "of the segment"),
        Field("blk_last", 1, "ROWS: the line completes a block"),
        Field("ilast", 1, "of the instruction"),
        Field("ctx", 4),
    ),
    package="eqx_conv_pkg",
)
AXI_ADDR = Struct(
    "axi_addr_t",
    "A beat of the AXI4 channels AR and AW.",
    (
        Field("id", 1),
        Field("addr", 32, "bytes"),
        Field("len", 8, "beats - 1"),
        Field("size", 3, "log2(bytes of a beat)"),
        Field("burst", 2, "1: INCR"),
    ),
)
AXI_B = Struct("axi_b_t", "A beat of the AXI4 channel B.", (Field("id", 1), Field("resp", 2, "0: OKAY")))
AXIL_REQ = Struct(
    "axil_req_t",
    "AXI4-Lite, from the master.",
    (
        Field("awvalid", 1),
        Field("awaddr", 11),
        Field("wvalid", 1),
        Field("wdata", 32),
        Field("wstrb", 4),
        Field("bready", 1),
        Field("arvalid", 1),
        Field("araddr", 11),
        Field("rready", 1),
    ),
)
AXIL_RSP = Struct(
    "axil_rsp_t",
    "AXI4-Lite, to the master.",
    (
        Field("awready", 1),
        Field("wready", 1),
        Field("bvalid", 1),
        Field("bresp", 2),
        Field("arready", 1),
        Field("rvalid", 1),
        Field("rdata", 32),
        Field("rresp", 2),
    ),
)

STRUCTS = (
    CFG,
    CTX_ENV,
    UNIT_REQ,
    UNIT_RSP,
    SVC_CFG,
    CTX_CFG,
    CTX_CMD,
    CTX_STS,
    CTX_SEEN,
    BATCH_ROW,
    ANSWER,
    BATCH_END,
    HEADER,
    AXI_ADDR,
    AXI_B,
    AXIL_REQ,
    AXIL_RSP,
    CONV_TAG,
)
