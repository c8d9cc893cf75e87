"""Generate docs/checks.md, the inventory of checkers; ``--check`` fails when it is out of date."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from verif.lib.keep import write_whole  # noqa: E402
from verif.selftest.faultlist import FaultListError, load  # noqa: E402
from verif.selftest.inventory import page  # noqa: E402

TARGET = ROOT / "docs/checks.md"


def main() -> int:
    """Entry point."""
    try:
        text = page(load(places=False))
    except FaultListError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            print(f"{TARGET.relative_to(ROOT)} is out of date: run scripts/gen_checks.py", file=sys.stderr)
            return 1
        return 0
    write_whole(TARGET, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
