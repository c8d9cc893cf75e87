#!/usr/bin/env python3
"""Generate docs/testplan.md from verif/testplan; ``--check`` fails when it is out of date, or when the plan is not in order."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from verif.plan.catalogue import catalogue  # noqa: E402
from verif.plan.check import check  # noqa: E402
from verif.plan.load import PlanError, load  # noqa: E402
from verif.plan.render import markdown  # noqa: E402
from verif.regress.collect import CollectError  # noqa: E402

TARGET = ROOT / "docs/testplan.md"


def main() -> int:
    only_check = "--check" in sys.argv[1:]
    try:
        plan = load()
        findings = check(plan, catalogue()) if only_check else []
    except PlanError as error:
        findings = error.findings
    except (CollectError, ValueError) as error:
        findings = [f"error: {error}"]
    if findings:
        print("\n".join(findings), file=sys.stderr)
        return 1
    text = markdown(plan)
    if only_check:
        if not TARGET.exists() or TARGET.read_text() != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run scripts/gen_testplan.py", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
