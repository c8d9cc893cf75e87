"""The result of a run, simulated or predicted, as one HTML page and as text for the terminal.

result = RunResult(...)                    # or RunResult.from_dict(json.load(file))
print(summary(result))
write_html(result, Path("report.html"))
sys.exit(0 if result.passed else 1)
"""

from equinox_core.report.page import write_html
from equinox_core.report.schema import CAUSES, LATENCY_CAUSES, Check, ReportError, RunResult, Service, Training, Unit
from equinox_core.report.text import summary

__all__ = [
    "CAUSES",
    "LATENCY_CAUSES",
    "Check",
    "ReportError",
    "RunResult",
    "Service",
    "Training",
    "Unit",
    "summary",
    "write_html",
]
