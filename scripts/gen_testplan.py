#!/usr/bin/env python3
"""Generate docs/testplan.md from verif/testplan; ``--check`` fails when it is out of date, when the plan is not in
order, or when a bench or a test lies idle.
"""

import sys

from equinox_core import cli
from verif.flow.collect import CollectError
from verif.flow.plan.catalogue import catalogue
from verif.flow.plan.check import check
from verif.flow.plan.load import PlanError, load
from verif.flow.plan.render import markdown
from verif.flow.regress.idle import idle
from verif.lib.generated import parser, update
from verif.lib.toolchain import ROOT

TARGET = ROOT / "docs/testplan.md"


def main() -> int:
    check_only = parser(__doc__).parse_args().check
    try:
        plan = load()
        known = catalogue() if check_only else None
        findings = [*check(plan, known), *idle(list(known.tests.values()))] if known else []
    except PlanError as error:
        findings = error.findings
    except (CollectError, ValueError) as error:
        findings = [f"error: {error}"]
    if findings:
        print("\n".join(findings), file=sys.stderr)
        return 1
    return update({TARGET: markdown(plan)}, __file__, check=check_only)


if __name__ == "__main__":
    cli.run(main)
