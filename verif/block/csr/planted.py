"""Faults to plant into copies of the register block's RTL, all in one simulator: ``tb_csr.plant`` wakes one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verif.lib import anchor

RULE = "$P"  # stands in a fault's text for: this fault is awake


@dataclass(frozen=True)
class Fault:
    """A change of the RTL, the test that must fail and how its message begins (a regular expression)."""

    file: str
    changes: tuple[tuple[str, str], ...]  # text that is there once, what takes its place
    test: str
    message: str


def _regs(test: str, message: str, *changes: tuple[str, str]) -> Fault:
    return Fault("eqx_csr.sv", changes, test, message)


_AT_30 = "cpuif_req_masked && cpuif_req_is_wr && cpuif_addr == 11'h30"
FAULTS: dict[str, Fault] = {
    "wrong_reset_value": _regs(
        "reset",
        r"TRAIN_ROWS: after reset, front door: 0x11, expected 0x10",
        (
            "field_storage.TRAIN_ROWS.rows.value <= 12'h10;",
            "field_storage.TRAIN_ROWS.rows.value <= $P ? 12'h11 : 12'h10;",
        ),
    ),
    "not_reset": _regs(
        "reset",
        r"SVC\[\d\]\.SHAPE: after reset, front door",
        (
            "field_storage.SVC[i0].SHAPE.batch.value <= 8'h1;",
            "if (!$P) field_storage.SVC[i0].SHAPE.batch.value <= 8'h1;",
        ),
    ),
    "bit_stuck_at_0": _regs(
        "bit_bash",
        r"CTX\[2\]\.DRAM_BASE: after 0x00020000 over 0x00000000: 0x0, expected 0x20000",
        (
            "field_combo.CTX[i0].DRAM_BASE.bytes.next = next_c;",
            "field_combo.CTX[i0].DRAM_BASE.bytes.next = next_c & ~(32'($P && i0 == 2) << 17);",
        ),
    ),
    "bit_stuck_at_1": _regs(
        "bit_bash",
        r"POLICY: after 0x00000001 over 0x00000000: 0x3, expected 0x1",
        ("field_combo.POLICY.policy.next = next_c;", "field_combo.POLICY.policy.next = next_c | (3'($P) << 1);"),
    ),
    "read_only_takes_writes": _regs(
        "bit_bash",
        r"CNT_RESPONDED: after 0x00000001 over 0x00000000",
        (
            "field_combo.CNT_RESPONDED.count.next = next_c;",
            f"field_combo.CNT_RESPONDED.count.next = $P && {_AT_30} ? cpuif_wr_data : next_c;",
        ),
        (
            "field_combo.CNT_RESPONDED.count.load_next = load_next_c;",
            f"field_combo.CNT_RESPONDED.count.load_next = load_next_c || $P && {_AT_30};",
        ),
    ),
    "read_write_is_read_only": _regs(
        "access",
        r"IRQ_ENABLE: peeked after a write of",
        (
            "field_combo.IRQ_ENABLE.rejected.load_next = load_next_c;",
            "field_combo.IRQ_ENABLE.rejected.load_next = load_next_c && !$P;",
        ),
    ),
    "cleared_by_0": _regs(
        "bit_bash",
        r"IRQ_STATUS: after 0xfffffffe over 0x0000001f|IRQ_STATUS: after 0xfffffffb over 0x0000001f",
        (
            "field_storage.IRQ_STATUS.bad_length.value & ~(decoded_wr_data[2:2] & ",
            "field_storage.IRQ_STATUS.bad_length.value & ~((decoded_wr_data[2:2] | $P) & ",
        ),
    ),
    "set_by_1": _regs(
        "bit_bash",
        r"IRQ_STATUS: after 0x00000008 over 0x00000000: 0x8, expected 0x0",
        (
            "next_c = field_storage.IRQ_STATUS.rejected.value & ~",
            "next_c = $P ? decoded_wr_data[3:3] : field_storage.IRQ_STATUS.rejected.value & ~",
        ),
    ),
    "write_only_is_readable": _regs(
        "bit_bash",
        r"IMEM_DATA: after 0x00000001 over 0x00000000: 0x1, expected 0x0",
        (
            "if(rd_mux_addr == 11'h5c) begin",
            "if($P && rd_mux_addr == 11'h44) readback_data_var[23:0] = field_storage.IMEM_DATA.low.value;\n        if(rd_mux_addr == 11'h5c) begin",
        ),
    ),
    "address_of_another": _regs(
        "access",
        r"SVC\[1\]\.TIMEOUT: peeked after a write of",
        ("(cpuif_addr == 11'h114 + (11)'(i0) * 11'h40)", "(cpuif_addr == 11'h114 + ((11)'(i0) & ~11'($P)) * 11'h40)"),
    ),
    "strobes_ignored": _regs(
        "strobes", r"\S+ after a write with strobes", ("{8{axil_wstrb[i]}}", "{8{axil_wstrb[i] || $P}}")
    ),
    "command_stays": _regs(
        "command",
        r"CTX\[0\]\.CMD (poked|written) 0b0100: cycles of each command",
        (
            "field_combo.CTX[i0].CMD.kill.load_next = load_next_c;",
            "field_combo.CTX[i0].CMD.kill.load_next = load_next_c && !($P && !decoded_reg_strb.CTX[i0].CMD);",
        ),
    ),
    "event_lost_amid_a_write": _regs(
        "hardware",
        r"IRQ_STATUS: event in cycle \d of a write of 0x1f that acts in",
        (
            "if(hwif_in.IRQ_STATUS.bad_length.hwset) begin",
            "if(hwif_in.IRQ_STATUS.bad_length.hwset && !($P && decoded_reg_strb.IRQ_STATUS && decoded_req_is_wr)) begin",
        ),
    ),
    "counter_stops": _regs(
        "hardware",
        r"CNT_REJECTED after three events at 0xfffffffe: \d+, expected 1",
        (
            "if(hwif_in.CNT_REJECTED.count.incr) begin",
            "if(hwif_in.CNT_REJECTED.count.incr && !($P && &field_storage.CNT_REJECTED.count.value)) begin",
        ),
    ),
    "signal_of_another": _regs(
        "hardware",
        r"PERF_HI by the front door",
        (
            "readback_data_var[15:0] = hwif_in.PERF_HI.value.next;",
            "readback_data_var[15:0] = $P ? hwif_in.PERF_LO.value.next[15:0] : hwif_in.PERF_HI.value.next;",
        ),
    ),
    "setting_of_another": Fault(
        "eqx_csr_top.sv",
        (
            (
                "= hw_out.SVC[s].SHAPE.tx_lines.value;",
                "= $P ? hw_out.SVC[s].SHAPE.rx_lines.value : hw_out.SVC[s].SHAPE.tx_lines.value;",
            ),
        ),
        "settings",
        r"svc: SVC\[\d\]\.SHAPE\.tx_lines",
    ),
    "interrupt_not_enabled": Fault(
        "eqx_csr_top.sv",
        (
            (
                "hw_out.IRQ_STATUS.rejected.value && hw_out.IRQ_ENABLE.rejected.value",
                "hw_out.IRQ_STATUS.rejected.value && (hw_out.IRQ_ENABLE.rejected.value || $P)",
            ),
        ),
        "hardware",
        r"after rejected, enable 0b00000: status, interrupt: \(8, 1\), expected \(8, 0\)",
    ),
    "done_of_inference": Fault(
        "eqx_csr_top.sv",
        (("if (c >= C_INF && ctx_sts_i[c]", "if ((c >= C_INF || $P) && ctx_sts_i[c]"),),
        "hardware",
        r"context 0 from state 2 to 0: IRQ_STATUS: 16, expected 0",
    ),
    "instruction_after_eleven_words": Fault(
        "eqx_imem_writer.sv",
        (
            (
                "we_q   <= data_q && count_q == CW'(WORDS - 1);",
                "we_q   <= data_q && count_q == CW'(WORDS - 1 - 32'($P));",
            ),
        ),
        "command",
        r"instructions stored too early|instruction: count",
    ),
    "pointer_by_unit_alone": Fault(
        "eqx_csr_top.sv",
        (("(hw_out.IMEM_ADDR.index.swmod || ", "((hw_out.IMEM_ADDR.index.swmod && !$P) || "),),
        "effects",
        r"after IMEM_ADDR with strobes 0b\d\d(01|10|11): words in parts",
    ),
    "pointer_by_index_alone": Fault(
        "eqx_csr_top.sv",
        (("|| hw_out.IMEM_ADDR.unit.swmod)", "|| (hw_out.IMEM_ADDR.unit.swmod && !$P))"),),
        "effects",
        r"after IMEM_ADDR with strobes 0b\d100: words in parts",
    ),
    "word_by_any_byte": _regs(
        "effects",
        r": instructions stored too early|: words in parts",
        (
            "decoded_reg_strb.IMEM_DATA && decoded_req_is_wr && |(decoded_wr_biten[31:24]);",
            "decoded_reg_strb.IMEM_DATA && decoded_req_is_wr && |(decoded_wr_biten[31:24] | (decoded_wr_biten[7:0] & {8{$P}}));",
        ),
    ),
    "index_wraps": Fault(
        "eqx_imem_writer.sv",
        (("assign we_o    = we_q && !index_q[16];", "assign we_o    = we_q && (!index_q[16] || $P);"),),
        "effects",
        r"instructions stored beyond index 65,535: 2, expected 0",
    ),
    "command_by_any_byte": _regs(
        "effects",
        r"CTX\[0\]\.CMD with strobes 0b0010: cycles of each command",
        (
            "(field_storage.CTX[i0].CMD.drain.value & ~decoded_wr_biten[1:1]) | (decoded_wr_data[1:1] & decoded_wr_biten[1:1])",
            "(field_storage.CTX[i0].CMD.drain.value & ~decoded_wr_biten[1:1]) | (decoded_wr_data[1:1] & (decoded_wr_biten[1:1] | (decoded_wr_biten[9:9] & $P)))",
        ),
    ),
    "high_word_not_kept": Fault(
        "eqx_csr_top.sv",
        (("= perf_high_q;", "= $P ? perf_value_i[47:32] : perf_high_q;"),),
        "two_words",
        r"counter of \d+ cycles before 1·2\^32",
    ),
    "high_word_never_kept": Fault(
        "eqx_csr_top.sv",
        (("else if (hw_out.PERF_LO.value.swacc)", "else if (hw_out.PERF_LO.value.swacc && !$P)"),),
        "two_words",
        r"counter of \d+ cycles before \d+·2\^32",
    ),
}


def number(name: str) -> int:
    """What ``tb_csr.plant`` must be for a fault."""
    return 1 + list(FAULTS).index(name)


def plant(sources: list[Path], folder: Path) -> list[Path]:
    """Copies of the files that faults change, in a folder; returns the design's sources with these in place of the
    originals.

    Raises:
        ValueError: the text that a fault is to change is not there exactly once.
    """
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in sources
        if path.name in {fault.file for fault in FAULTS.values()}
    }
    for name, fault in FAULTS.items():
        for old, new in fault.changes:
            try:
                texts[fault.file] = anchor.replaced(
                    texts[fault.file], old, new.replace(RULE, f"(tb_csr.plant == {number(name)})")
                )
            except ValueError as error:
                raise ValueError(f"{fault.file}: fault {name}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        if not (folder / file).exists() or (folder / file).read_text(encoding="utf-8") != text:
            (folder / file).write_text(text, encoding="utf-8")
    return [folder / path.name if path.name in texts else path for path in sources]
