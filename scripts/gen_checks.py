"""Generate docs/checks.md, the inventory of checkers; ``--check`` fails when it is out of date."""

import sys

from equinox_core import cli
from verif.flow.selftest.faultlist import FaultListError, load
from verif.flow.selftest.inventory import page
from verif.lib.generated import parser, update
from verif.lib.toolchain import ROOT

TARGET = ROOT / "docs/checks.md"


def main() -> int:
    """Entry point."""
    check = parser(__doc__).parse_args().check
    try:
        text = page(load(places=False))
    except FaultListError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return update({TARGET: text}, __file__, check=check)


if __name__ == "__main__":
    cli.run(main)
