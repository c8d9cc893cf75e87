"""Coverage items of the plan: what may be named, and how each kind is written.

===================  =========================================================  ================================
written              is                                                         covered are
===================  =========================================================  ================================
``x_cg``             a covergroup                                               bins
``x_cg.cp_y``        one point or cross of it                                   bins
``code:eqx_mmu_load``    code coverage of a module of rtl/; ``*`` for several       lines, branches, expressions
``sva:mod.label``    a named ``cover property`` of rtl/ or a bench; also ``*``  properties
``py:equinox_core.isa``    code coverage of a Python module; a package is all in it   lines
``cases:cli::test``  the cases that a parametrised test enumerates              cases that ran and passed
===================  =========================================================  ================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from verif.flow.plan.catalogue import Catalogue


def near(name: str, legal: Iterable[str]) -> str:
    """Names that are like a wrong one, as the end of a message."""
    return "".join(
        f"; {'perhaps' if not n else 'or'} {found}"
        for n, found in enumerate(get_close_matches(name, list(legal), 3, 0.6))
    )


KINDS = ("group", "code", "sva", "py", "cases")


@dataclass(frozen=True)
class Item:
    """A coverage item: its kind (one of :data:`KINDS`), and what of that kind."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Item:
        """Read an item as a plan writes it.

        Raises:
            ValueError: no such kind.
        """
        kind, colon, name = text.partition(":")
        if not colon:
            return cls("group", text)
        if kind not in KINDS[1:] or not name:
            raise ValueError(
                f"coverage item {text!r}: legal are covergroup, covergroup.point, "
                f"{', '.join(k + ':...' for k in KINDS[1:])}"
            )
        return cls(kind, name)

    def __str__(self) -> str:
        return self.name if self.kind == "group" else f"{self.kind}:{self.name}"

    def missing(self, known: Catalogue) -> str | None:
        """Why there is no such item; None when there is."""
        return getattr(self, f"_missing_{self.kind}")(known)

    def points(self, known: Catalogue) -> list[tuple[str, str]]:
        """The (covergroup, point) pairs that an item of that kind stands for."""
        group, _, point = self.name.partition(".")
        return [(group, p) for p in known.groups.get(group, ()) if not point or p == point]

    def modules(self, known: Catalogue) -> list[str]:
        """The modules of rtl/ that a ``code:`` item stands for."""
        return sorted(name for name in known.modules if fnmatchcase(name, self.name))

    def properties(self, known: Catalogue) -> list[str]:
        """The cover properties that an ``sva:`` item stands for."""
        return sorted(name for name in known.properties if fnmatchcase(name, self.name))

    def _missing_group(self, known: Catalogue) -> str | None:
        group, _, point = self.name.partition(".")
        if group not in known.groups:
            return f"no covergroup {group!r}; there are {', '.join(sorted(known.groups))}"
        if point and point not in known.groups[group]:
            return f"covergroup {group} has no point {point!r}{near(point, known.groups[group])}"
        return None

    def _missing_code(self, known: Catalogue) -> str | None:
        return None if self.modules(known) else f"rtl/ has no module {self.name!r}{near(self.name, known.modules)}"

    def _missing_sva(self, known: Catalogue) -> str | None:
        if self.properties(known):
            return None
        return f"no named cover property {self.name!r}{near(self.name, known.properties)}"

    def _missing_py(self, known: Catalogue) -> str | None:
        return None if known.python(self.name) else f"no Python module {self.name!r} in models/, verif/ or scripts/"

    def _missing_cases(self, known: Catalogue) -> str | None:
        test = known.tests.get(self.name)
        if test is None:
            return f"no test {self.name!r}{near(self.name, known.tests)}"
        return None if len(test.runs) > 1 else f"test {self.name} enumerates no cases: it has one run"
