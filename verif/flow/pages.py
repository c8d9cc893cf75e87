"""Pages of docs/ whose tables are made from results: a table stands between ``<!-- name -->`` and ``<!-- end -->``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_PLACE = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- end -->", re.S)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def filled(text: str, values: Mapping[str, str], where: str = "page") -> str:
    """The page with every table in its place.

    Raises:
        ValueError: a place has no table, or a table no place.
    """
    places = [m["name"] for m in _PLACE.finditer(text)]
    if set(places) != set(values) or len(set(places)) != len(places):
        raise ValueError(
            f"{where}: places of tables {sorted(places)}, tables {sorted(values)}: each must be there once"
        )
    return _PLACE.sub(lambda m: f"<!-- {m['name']} -->\n{values[m['name']]}\n<!-- end -->", text)
