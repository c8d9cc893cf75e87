#!/usr/bin/env python3
"""Assemble, disassemble and check programs.

asm   FILE.eqs -o FILE.eqx     text to instruction words
dis   FILE.eqx [-o FILE.eqs]   and back
check FILE.eqs --config NAME   static checks and races, without output when all is well

A .eqx file has a line `unit <name>` before each stream, then one instruction word of 96 hexadecimal digits a line;
lines that start with `.` are the directives of the text.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from equinox_core import cli
from equinox_core.cli import Parser
from equinox_core.config import load_config
from equinox_core.isa.asm import assemble, disassemble
from equinox_core.isa.check import check_program
from equinox_core.isa.encoding import INSTR_BITS, Unit, decode
from equinox_core.isa.program import Program
from equinox_core.isa.races import check_races


def to_words(prog: Program) -> str:
    """Text of a .eqx file."""
    lines = [line for line in disassemble(prog).splitlines() if line.startswith(".")]
    for unit in Unit:
        if prog.streams[unit]:
            lines.append(f"unit {unit.name.lower()}")
            lines += [f"{word:0{INSTR_BITS // 4}x}" for word in prog.words(unit)]
    return "\n".join(lines) + "\n"


def from_words(text: str, source: str) -> Program:
    """Program of a .eqx file.

    Raises:
        ValueError: ``source:line: what is wrong``.
    """
    directives = [line if line.startswith(".") else "" for line in text.splitlines()]
    prog = assemble("\n".join(directives), source)
    unit: Unit | None = None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("."):
            continue
        try:
            if words[0] == "unit" and len(words) == 2 and words[1].upper() in Unit.__members__:
                unit = Unit[words[1].upper()]
            elif unit is None or len(words) != 1:
                raise ValueError(f"'{line}': legal are `unit mmu|vpu|ld|st` and, after it, words of hexadecimal digits")
            else:
                prog.add(decode(int(words[0], 16)), unit)
        except ValueError as error:
            raise ValueError(f"{source}:{number}: {error}") from None
    return prog


def run(args: argparse.Namespace) -> None:
    """Carry out one command; ValueError or OSError where it fails."""
    try:
        text = args.file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{args.file}: not a text file (a byte that is not UTF-8)") from None
    if args.command == "dis":
        out = disassemble(from_words(text, args.file.name))
    else:
        prog = assemble(text, args.file.name)
        if args.command == "check":
            cfg = load_config(args.config)
            check_program(prog, cfg, iter_mod=args.iter_mod)
            check_races(prog, cfg, iter_mod=args.iter_mod)
            return
        out = to_words(prog)
    if args.output:
        args.output.write_text(out, encoding="utf-8")
    else:
        sys.stdout.write(out)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("asm", "text to words"), ("dis", "words to text"), ("check", "static checks and races")):
        sub = commands.add_parser(name, help=what)
        sub.add_argument("file", type=Path)
        if name == "check":
            sub.add_argument("--config", default="default", help="name or path of a configuration (default: default)")
            sub.add_argument("--iter-mod", type=int, default=1, help="CSR ITER_MOD (default 1)")
        else:
            sub.add_argument("-o", "--output", type=Path)
    try:
        run(parser.parse_args(argv))
    except (ValueError, OSError) as error:
        print(f"eqx_asm: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    cli.run(main)
