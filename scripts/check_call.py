"""Says in one line what is wrong with a call of make: a folder in which nothing can be built, or a knob that the target
does not have.

`python -m scripts.check_call "TARGETS" "KNOBS ON THE COMMAND LINE"` prints nothing when all is well. The texts behind
`#:` in the Makefile, which `make help` prints, say which target has which knobs. Standard library only: it runs before
anything is installed.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from difflib import get_close_matches
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
runpy.run_path(str(ROOT / "models/equinox_core/environment.py"))["prepare"]()  # refuses where nothing works

FROM_ENVIRONMENT = ("SEED", "WAVES", "COVERAGE", "JOBS", "PYTHON")


def targets(makefile: str) -> list[str]:
    """The targets that `make help` lists."""
    return re.findall(r"^([a-z-]+):.*## ", makefile, re.M)


def knobs(makefile: str) -> dict[str, list[str]]:
    """Target -> the knobs it has, from the texts behind `#:`."""
    found: dict[str, list[str]] = {name: [] for name in targets(makefile)}
    owners: list[str] = []
    for line in re.findall(r"^#: ?(.*)", makefile, re.M):
        if line.startswith("of "):
            owners = re.findall(r"`make ([a-z-]+)`", line) or list(found)
        elif match := re.match(r"  ([A-Z_]+)=", line):
            for owner in owners:
                found[owner].append(match[1])
    return found


def wrong(makefile: str, goals: list[str], given: list[str], environment: list[str]) -> str:
    """What is wrong with a call; empty when nothing is. Goals that are none are make's to refuse."""
    of = knobs(makefile)
    goals = [goal for goal in goals or ["help"] if goal in of]
    legal = sorted({name for goal in goals for name in of[goal]})
    called = "make " + " ".join(goals)
    for name in given if goals else ():
        if name in legal:
            continue
        owners = [f"make {target}" for target, names in of.items() if name in names]
        if owners:
            return f"{name} is no knob of {called}, but of {', '.join(owners)}"
        every = sorted({knob for names in of.values() for knob in names})
        near = get_close_matches(name.upper(), legal, 1) or get_close_matches(name.upper(), every, 1)
        return (
            f"there is no knob {name}"
            + (f", the nearest is {near[0]}" if near else "")
            + f"; {called} has {' '.join(legal)}"
        )
    for name in environment:
        if name in legal and name not in given and name not in FROM_ENVIRONMENT:
            return f"{name} stands in the environment, where it does not count: write {called} {name}=..., or unset it"
    return ""


def main() -> int:
    """Entry point; the exit code is 2 when something is wrong."""
    goals, given = (text.split() for text in sys.argv[1:3])
    words = wrong((ROOT / "Makefile").read_text(encoding="utf-8"), goals, given, sorted(os.environ))
    if words:
        print(words)
    return 2 if words else 0


if __name__ == "__main__":
    sys.exit(main())
