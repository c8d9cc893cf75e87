"""The one reading of a knob that is on or off."""

from __future__ import annotations

import argparse
from collections.abc import Callable

ON, OFF = ("1", "yes", "on", "true"), ("0", "no", "off", "false", "")
LEGAL = "1 or 0, yes or no, on or off, true or false"


def switch(text: str, name: str) -> bool:
    """Whether a text means on; nothing means off.

    Raises:
        ValueError: it means neither.
    """
    word = text.strip().lower()
    if word not in ON + OFF:
        raise ValueError(f"{name} = {text!r}: legal is {LEGAL}")
    return word in ON


def option(name: str) -> Callable[[str], bool]:
    """The type of an argument of a command line that is a switch."""

    def read(text: str) -> bool:
        try:
            return switch(text, name)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
