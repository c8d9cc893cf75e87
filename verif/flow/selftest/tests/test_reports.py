"""Who said what in a simulator's log."""

from __future__ import annotations

from textwrap import indent

from verif.flow.selftest.reports import Report, reports

TRACEBACKS = """Traceback (most recent call last):
  File "/x/.venv/lib/python3.11/site-packages/pyuvm/_s09_phasing.py", line 44, in execute
  File "/x/verif/env/scoreboards.py", line 61, in check_phase
    assert not found
  File "/x/.venv/lib/python3.11/site-packages/numpy/core.py", line 1, in f
AssertionError: latency_board: 1 problem(s), first: response 8: seen
Traceback (most recent call last):
  File "/x/verif/block/mmu/harness.py", line 61, in _check_time
    raise AssertionError(
AssertionError: rows: event 3
assert 1 == 2
Traceback (most recent call last):
  File "/x/verif/block/policy/bench_policy.py", line 3, in check
AssertionError
Traceback (most recent call last):
  File "/x/verif/block/policy/bench_policy.py", line 3, in check
    equal(mode, 2, "mode")
  File "/x/verif/lib/verdict.py", line 51, in equal
    raise AssertionError(f"{what}: {seen}, expected {legal}")
AssertionError: mode: 1, expected 2
"""
LOG = """\
     0.00ns INFO     cocotb.regression                  running \
verif.tests.bench_equinox.equinox_short_test (1/1)
631370.00ns ERROR    ../x/verif/env/scoreboards.py(50) [uvm_test_top.env.response_board]: \
cycle 63138: request 9 line 2 lane 0: 0x3f37, reference 0x3fb7
[5000] %Error: eqx_mmu_checks.sv:28: Assertion failed in TOP.tb_mmu.u_mmu.u_checks.a_prio: mmu: a training row entered
%Error: /x/rtl/mmu/eqx_mmu_checks.sv:28: Verilog $stop
[6000] %Error: tb_mmu.sv:93: Assertion failed in TOP.tb_mmu.g_law[0].a_quiet
"""
LOG += indent(TRACEBACKS, " " * 56)  # as cocotb writes them


def test_reports_in_order() -> None:
    assert reports(LOG.splitlines()) == [
        Report("response_board", "cycle 63138: request 9 line 2 lane 0: 0x3f37, reference 0x3fb7"),
        Report("eqx_mmu_checks.a_prio", "mmu: a training row entered"),
        Report("tb_mmu.a_quiet", ""),
        Report("latency_board", "response 8: seen"),
        Report("mmu.harness._check_time", "rows: event 3"),
        Report("bench_policy.check", "AssertionError"),
        Report("bench_policy.check", "mode: 1, expected 2"),
    ]
