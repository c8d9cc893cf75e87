"""Static checks of the RTL and of the code base's rules; exits with 1 when one fails."""

from __future__ import annotations

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.lib.lint import lint

STEPS = ("rules", "generated", "ruff", "format", "verilator", "yosys")


def main() -> int:
    """Entry point."""
    parser = Parser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules of rtl/ to check (default: everything)")
    parser.add_argument("--only", choices=STEPS, action="append", default=[], help="run this check; may be repeated")
    options = parser.parse_args()
    try:
        return 1 if lint(options.modules, options.only) else 0
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    cli.run(main)
