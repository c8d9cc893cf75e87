"""Static checks of the RTL and of the code base's rules and style; exits with 1 when one fails."""

from __future__ import annotations

from verif.lib import process

if __name__ == "__main__":
    process.stoppable()  # before the slow imports

from equinox_core import cli
from equinox_core.cli import Parser
from verif.lib import style
from verif.lib.lint import CHECKS, TOOLS, lint


def format_all() -> int:
    """Format all files; returns 1 where a tool cannot."""
    try:
        words = style.ruff_format(write=True) + style.verible_format(write=True)
    except style.StyleError as error:
        words = [str(error)]
    print("\n".join([*words, "format: a tool failed" if words else "format: done"]))
    return int(bool(words))


def main() -> int:
    """Entry point."""
    parser = Parser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules of rtl/ to check (default: everything)")
    parser.add_argument(
        "--only", choices=(*CHECKS, *TOOLS), action="append", default=[], help="run this check; may be repeated"
    )
    parser.add_argument("--format", action="store_true", help="format Python and SystemVerilog; check nothing")
    options = parser.parse_args()
    if options.format:
        return format_all()
    try:
        return 1 if lint(options.modules, options.only) else 0
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    cli.run(main)
