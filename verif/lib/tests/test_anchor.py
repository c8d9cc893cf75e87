"""Places of planted faults are found by their tokens: layout changes nothing, any other change does."""

from __future__ import annotations

import pytest

from verif.lib import anchor

CODE = "if (a_q<= 4'd3 && f(x, y)) b <= c[1:0];"


@pytest.mark.parametrize(
    "text",
    [CODE, "if (a_q <= 4'd3 &&\n    f(x,\n      y)) b<=c[1:0];", "if ( a_q <= 4'd3 && f( x, y, ) ) b <= c [1 : 0] ;"],
)
def test_layout_does_not_matter(text: str) -> None:
    """Blanks, line breaks and a trailing comma make no difference."""
    assert anchor.count(f"x;\n{text}\ny;", CODE) == 1
    assert anchor.replaced(f"x;\n{text}\ny;", CODE, "HERE") == "x;\nHERE\ny;"


@pytest.mark.parametrize(
    "text",
    [
        "if (a_q <= 4'd3 && f(x, z)) b <= c[1:0];",
        "if (xa_q <= 4'd3 && f(x, y)) b <= c[1:0];".replace("if (x", "if (x_"),
        "if (a_q <= 4'd3 && f(x, y)) b <= c[10];",
        "i f (a_q <= 4'd3 && f(x, y)) b <= c[1:0];",
    ],
)
def test_other_code_is_not_found(text: str) -> None:
    """A token that differs, a word cut in two, or one that is part of another."""
    assert anchor.count(text, CODE) == 0
    with pytest.raises(ValueError, match="0 times"):
        anchor.replaced(text, CODE, "")


def test_the_place_must_be_one() -> None:
    """Twice is refused; so is nothing to look for; words are whole."""
    with pytest.raises(ValueError, match="stands there 2 times; legal is once"):
        anchor.replaced("a b; a  b;", "a b", "c")
    with pytest.raises(ValueError, match="no code"):
        anchor.count("a", " ")
    assert (
        anchor.count("my_row rows", "row") == 0
        and anchor.replaced("    x = 1\n", "    x = 1\n", "    x = 2\n") == "    x = 2\n"
    )
