"""Enumerations whose members carry what they mean."""

from __future__ import annotations

from enum import IntEnum


class Coded(IntEnum):
    """``NAME = code, "what it means"``: the code is the value, the text is ``meaning``."""

    meaning: str

    def __new__(cls, code: int, meaning: str = "") -> Coded:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


def label(member: IntEnum) -> str:
    """A member's name as texts and knobs spell it."""
    return member.name.lower()
