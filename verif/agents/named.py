"""Components whose attributes are their own: from outside only those can be set that are there."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Any


class Named:
    """First base of a component. A name that it does not have can be given to it by its own methods alone, so that a
    test that misspells a switch does not switch nothing.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__ and not hasattr(type(self), name):
            if sys._getframe(1).f_locals.get("self") is not self:
                near = get_close_matches(name, [*self.__dict__, *dir(type(self))], 1)
                raise AttributeError(
                    f"{type(self).__name__} has no attribute {name!r} to set"
                    + (f"; the nearest is {near[0]!r}" if near else "")
                )
        super().__setattr__(name, value)
