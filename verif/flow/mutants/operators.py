"""Operators that change SystemVerilog source: each finds, in the syntax of a file, the places where it applies, and
says what the code there becomes.

They make the faults of people: a counter a bit too narrow, a parameter that is a number, the wrong index, a limit off
by one, two cases in the wrong order, a condition forgotten, a status wrong. Most matter in rare cases only, which is
what a bench has to visit.

A change is made behind a switch (``source.py``), so it must leave the type of what it changes, and stand where an
expression may vary: not in assertions, not where the language wants a constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyslang.syntax import SyntaxKind as Kind
from pyslang.syntax import SyntaxNode

from verif.flow.mutants.design import Design, Fact, Span, children, source_text, span_of
from verif.lib.rtl import strip_comments


@dataclass(frozen=True)
class Edit:
    """A piece of a file and what stands there instead."""

    span: Span
    new: str


@dataclass(frozen=True)
class Change:
    """One mutant of a file: one or more edits, of expressions or (``statement``) of whole statements.

    ``old`` and ``new`` say it to a reader.
    """

    operator: str
    edits: tuple[Edit, ...]
    old: str
    new: str
    statement: bool = False


@dataclass(frozen=True)
class Place:
    """A node with those above it, the nearest last."""

    node: SyntaxNode
    above: tuple[SyntaxNode, ...]
    lvalue: bool = False  # it is (part of) what an assignment or an instance drives
    reset: bool = False  # in what happens in reset

    @property
    def clocked(self) -> bool:
        return any(node.kind == Kind.AlwaysFFBlock for node in self.above)


_CLOSED = {
    Kind.ModuleHeader,
    Kind.ParameterDeclarationStatement,
    Kind.ParameterValueAssignment,
    Kind.DataDeclaration,
    Kind.SimpleRangeSelect,
    Kind.AscendingRangeSelect,
    Kind.DescendingRangeSelect,
    Kind.InitialBlock,
    Kind.ImmediateAssertStatement,
    Kind.ImmediateCoverStatement,
    Kind.ConcurrentAssertionMember,
}
"""What is not looked into: it wants constants, or is no part of the circuit."""
_CONSTANT = {
    Kind.IfGenerate: ("condition",),
    Kind.CaseGenerate: ("condition",),
    Kind.LoopGenerate: ("initialExpr", "stopExpr", "iterationExpr"),
    Kind.ForLoopStatement: ("initializers", "stopExpr", "steps"),
    Kind.MultipleConcatenationExpression: ("expression",),
    Kind.CastExpression: ("left",),
    Kind.StandardCaseItem: ("expressions",),
    Kind.AssignmentPatternItem: ("key",),
}
"""Parts that want constants, or that loops are unrolled by."""
_CHECKS = re.compile(r"^`ifndef SYNTHESIS\b.*?^`endif", re.S | re.M)
"""Assertions, and registers that only these have."""
_ASSIGNMENTS = {Kind.AssignmentExpression, Kind.NonblockingAssignmentExpression}
_VECTOR = re.compile(r"(logic|bit)\[\d+:0\]")
_RESET = re.compile(r"!\s*rst_ni$")


class View:
    """A file with what is known of it: the design as the bench has it, and the same with the default configuration."""

    def __init__(self, path: Path, design: Design, default: Design | None = None) -> None:
        self.path, self.design, self.default = path, design, default
        self.text = source_text(path)
        self.checks = [found.span() for found in _CHECKS.finditer(self.text)]

    def raw(self, node: SyntaxNode) -> str:
        """The code of a node as it stands."""
        start, end = span_of(node)
        return self.text[start:end]

    def code(self, node: SyntaxNode) -> str:
        """The code of a node on one line."""
        return " ".join(strip_comments(self.raw(node)).split())

    def fact(self, node: SyntaxNode) -> Fact | None:
        return self.design.fact(self.path, span_of(node))

    def value(self, node: SyntaxNode) -> int | None:
        return self.design.value(self.path, span_of(node))

    @cached_property
    def places(self) -> list[Place]:
        """All places where a change may stand, those in code that this design does not have too."""
        return list(self._walk(Place(self.design.trees[self.path].root, ())))

    def _walk(self, place: Place) -> Iterator[Place]:
        node = place.node
        if node.kind in _CLOSED or node.kind == Kind.ContinuousAssign and "unused" in self.code(node):
            return
        if any(begin <= span_of(node)[0] < end for begin, end in self.checks):
            return
        yield place
        closed: set[Span] = set()
        for name in _CONSTANT.get(node.kind, ()):
            part = getattr(node, name)
            closed |= {span_of(part)} if _is_node(part) else {span_of(n) for n in part if _is_node(n)}
        driven = span_of(node.left) if node.kind in _ASSIGNMENTS else None
        reset = None
        if node.kind == Kind.ConditionalStatement and _RESET.match(self.code(node.predicate)):
            reset = span_of(node.statement)
        for child in children(node):
            span = span_of(child)
            if span not in closed:
                lvalue = place.lvalue or span == driven or (self.path, span) in self.design.outputs
                yield from self._walk(Place(child, (*place.above, node), lvalue, place.reset or span == reset))

    @cached_property
    def genvars(self) -> set[str]:
        """Variables of the loops of this file that are unrolled before anything runs."""
        return {p.node.identifier.valueText for p in self.places if p.node.kind == Kind.LoopGenerate}

    @cached_property
    def turns(self) -> set[str]:
        """Variables of all loops of this file."""
        loops = [p.node for p in self.places if p.node.kind == Kind.ForLoopStatement]
        begins = [n for loop in loops for n in loop.initializers if _is_node(n)]
        declared = [n for n in begins if n.kind == Kind.ForVariableDeclaration]
        return self.genvars | {n.declarator.name.valueText for n in declared}

    @cached_property
    def parameters(self) -> set[str]:
        return set(self.design.parameters(self.path)) - self.genvars

    @cached_property
    def variables(self) -> dict[str, str]:
        return self.design.variables(self.path)

    @cached_property
    def indices(self) -> dict[str, list[str]]:
        """Type -> variables of the module that choose an element somewhere."""
        found: dict[str, list[str]] = {}
        for place in self.places:
            if place.node.kind == Kind.BitSelect:
                name = self.code(place.node.expr)
                if name in self.variables and name not in found.setdefault(self.variables[name], []):
                    found[self.variables[name]].append(name)
        return found

    @cached_property
    def enumerators(self) -> dict[str, list[str]]:
        """Type -> names of its values as this file writes them."""
        found: dict[str, list[str]] = {}
        for place in self.places:
            fact = self.fact(place.node) if _is_name(place.node) else None
            if fact and fact.enum and self.value(place.node) is not None:
                names = found.setdefault(fact.name, [])
                if self.code(place.node) not in names:
                    names.append(self.code(place.node))
        return found

    def change(self, operator: str, node: SyntaxNode, new: str, statement: bool = False) -> Change:
        """The change of one node."""
        return Change(operator, (Edit(span_of(node), new),), self.code(node), new, statement)


def _is_node(part: object) -> bool:
    return isinstance(part, SyntaxNode)


def _is_name(node: SyntaxNode) -> bool:
    return node.kind in (Kind.IdentifierName, Kind.ScopedName)


def _bare(node: SyntaxNode) -> SyntaxNode:
    """Without parentheses around it."""
    while node.kind == Kind.ParenthesizedExpression:
        node = node.expression
    return node


def _number(value: int, fact: Fact) -> str:
    return f"{fact.width}'{'s' if fact.signed else ''}d{value}"


def _condition(node: SyntaxNode) -> SyntaxNode | None:
    """What an ``if`` or ``?:`` asks."""
    conditions = list(node.predicate.conditions)
    return conditions[0].expr if len(conditions) == 1 else None


def narrow(view: View, place: Place) -> Iterator[Change]:
    """A cast, or what a register takes, loses its highest bit."""
    node = place.node
    if node.kind == Kind.CastExpression and not place.lvalue:
        whole, inner = view.fact(node), view.fact(_bare(node.right))
        varies = view.value(_bare(node.right)) is None and view.code(_bare(node.right)) not in view.turns
        if whole and inner and _VECTOR.fullmatch(whole.name) and varies:
            width = min(whole.width, inner.width) - 1
            if width > 0:
                new = f"{view.code(node.left)}'({width}'({view.code(_bare(node.right))}))"
                yield view.change("narrow", node, new)
    if node.kind == Kind.NonblockingAssignmentExpression:
        target, given = view.fact(node.left), view.fact(node.right)
        if (
            target
            and given
            and not given.enum
            and not given.signed
            and _VECTOR.fullmatch(target.name)
            and 2 <= target.width <= 32
            and view.value(node.right) is None
            and not view.code(node.right).startswith("{1'b0,")
            and node.left.kind != Kind.ConcatenationExpression
            and node.right.kind != Kind.CastExpression  # which is narrowed itself
        ):
            mask = f"{target.width}'h{(1 << target.width - 1) - 1:x}"
            edit = Edit(span_of(node.right), f"({view.code(node.right)}) & {mask}")
            yield Change("narrow", (edit,), view.code(node), f"{view.code(node.left)} <= {edit.new}")


def parameter(view: View, place: Place) -> Iterator[Change]:
    """What depends on a parameter is the number that it equals with the default configuration, or such a parameter."""
    node = place.node
    if view.default is None or not _of_parameters(view, node) or any(_of_parameters(view, n) for n in place.above):
        return
    fact, value = view.fact(node), view.value(node)
    usual = view.default.value(view.path, span_of(node))
    if fact is None or value is None or usual is None or fact.enum or value == usual or usual < 0:
        return
    if usual >> fact.width == 0:
        yield view.change("parameter", node, _number(usual, fact))
    if _is_name(node):
        for other in sorted(view.parameters - {view.code(node)}):
            here, there = (d.parameters(view.path).get(other) for d in (view.design, view.default))
            if there == usual and here not in (None, value):
                yield view.change("parameter", node, other)


def _of_parameters(view: View, node: SyntaxNode) -> bool:
    """Whether it is a constant expression with a parameter of the module in it."""
    if view.fact(node) is None:
        return False
    words = set(re.findall(r"[A-Za-z_]\w*", view.code(node)))
    return bool(words & view.parameters) and not words & view.genvars and view.value(node) is not None


def index(view: View, place: Place) -> Iterator[Change]:
    """Another element: chosen by another variable of the same type, or, where the place is fixed, a neighbour."""
    node = place.node
    if node.kind != Kind.BitSelect:
        return
    count = view.design.selects.get((view.path, span_of(node.expr)), 0)
    fact, value, name = view.fact(node.expr), view.value(node.expr), view.code(node.expr)
    if count < 2 or fact is None:
        return
    if name in view.variables and (not place.lvalue or place.clocked):
        for other in view.indices.get(view.variables[name], []):
            if other != name:
                yield _chosen(view, place, other)
    elif not place.lvalue and not fact.enum:
        if value is None or set(re.findall(r"\w+", name)) & view.genvars:
            if name in view.turns:
                yield _chosen(view, place, "0")
        elif value < count:
            yield _chosen(view, place, str(value - 1 if value else 1))


def _chosen(view: View, place: Place, new: str) -> Change:
    """Another index; said with what it chooses from."""
    (begin, end), (first, last) = span_of(place.above[-2]), span_of(place.node.expr)
    old, changed = (
        " ".join(strip_comments(f"{view.text[begin:first]}{by}{view.text[last:end]}").split())
        for by in (view.text[first:last], new)
    )
    return Change("index", (Edit((first, last), new),), old, changed)


_ORDER = {
    Kind.LessThanExpression: ("<", "<="),
    Kind.LessThanEqualExpression: ("<=", "<"),
    Kind.GreaterThanExpression: (">", ">="),
    Kind.GreaterThanEqualExpression: (">=", ">"),
}
_EQUAL = {Kind.EqualityExpression: "==", Kind.InequalityExpression: "!="}
_STEP = {Kind.AddExpression, Kind.SubtractExpression}


def limit(view: View, place: Place) -> Iterator[Change]:
    """A limit off by one: the other of ``<`` and ``<=``, one less than what is compared with, a step left out."""
    node = place.node
    if place.lvalue or view.fact(node) is None:
        return
    if node.kind in _ORDER:
        yield view.change("limit", node, f"{view.code(node.left)} {_ORDER[node.kind][1]} {view.code(node.right)}")
    if node.kind in _EQUAL:
        fact, value = view.fact(node.right), view.value(node.right)
        if fact and not fact.enum and fact.width > 1 and value and value > 0:
            less = f"({view.code(node.right)}) - {_number(1, fact)}"
            yield view.change("limit", node, f"{view.code(node.left)} {_EQUAL[node.kind]} {less}")
    if node.kind in _STEP and view.value(node.right) == 1 and view.value(node) is None:
        yield view.change("limit", node, view.code(node.left))


def priority(view: View, place: Place) -> Iterator[Change]:
    """Where two cases hold, the other one wins: of an if and its else if, of a bit set and cleared at once, of two
    assignments one after the other, of the turns of a loop.
    """
    node = place.node
    if node.kind == Kind.ConditionalStatement and node.elseClause is not None:
        yield from _second_first(view, node, node.elseClause.clause, Kind.ConditionalStatement)
    if node.kind == Kind.ConditionalExpression and view.fact(node) is not None:
        yield from _second_first(view, node, _bare(node.right), Kind.ConditionalExpression)
    if node.kind == Kind.BinaryAndExpression and not place.lvalue:
        kept, cleared = _bare(node.left), node.right
        if kept.kind == Kind.BinaryOrExpression and cleared.kind == Kind.UnaryBitwiseNotExpression:
            old, new, mask = view.code(kept.left), view.code(kept.right), view.code(cleared)
            yield view.change("priority", node, f"({old} & {mask}) | {new}")
    if node.kind == Kind.BinaryOrExpression and not place.lvalue:
        kept = _bare(node.left)
        if kept.kind == Kind.BinaryAndExpression and kept.right.kind == Kind.UnaryBitwiseNotExpression:
            old, mask, new = view.code(kept.left), view.code(kept.right), view.code(node.right)
            yield view.change("priority", node, f"({old} | {new}) & {mask}")
    if node.kind == Kind.SequentialBlockStatement:
        yield from _later_first(view, node)
    if node.kind == Kind.ForLoopStatement:
        yield from _backwards(view, node)


def _second_first(view: View, node: SyntaxNode, other: SyntaxNode, kind: Kind) -> Iterator[Change]:
    if other.kind != kind:
        return
    first, second = _condition(node), _condition(other)
    if first is None or second is None or view.fact(first) is None or _RESET.match(view.code(first)):
        return
    if _exclusive(view, first, second):
        return
    new = f"({view.code(first)}) && !({view.code(second)})"
    yield Change(
        "priority",
        (Edit(span_of(first), new),),
        f"if ({view.code(first)}) .. else if ({view.code(second)})",
        f"if ({view.code(second)}) .. else if ({view.code(first)})",
    )


def _exclusive(view: View, first: SyntaxNode, second: SyntaxNode) -> bool:
    """Whether two conditions can be seen never to hold together: one thing compared with two constants, or a term and
    its negation.
    """
    if first.kind == second.kind == Kind.EqualityExpression:
        return view.code(first.left) == view.code(second.left)
    one, other = ({view.code(_bare(term)) for term in _terms(c, Kind.LogicalAndExpression)} for c in (first, second))
    negated = {f"!{term}" for term in one | other} | {f"!({term})" for term in one | other}
    return bool(negated & (one | other))


def _targets(view: View, node: SyntaxNode) -> set[str]:
    """What a statement assigns, with the indices."""
    found = {view.code(node.left)} if node.kind in _ASSIGNMENTS else set()
    return found.union(*(_targets(view, child) for child in children(node)))


def _later_first(view: View, block: SyntaxNode) -> Iterator[Change]:
    """Two ifs one after the other that assign the same: the last one wins."""
    items = list(block.items)
    for first, second in zip(items, items[1:], strict=False):
        if first.kind == second.kind == Kind.ConditionalStatement and _targets(view, first) & _targets(view, second):
            if view.fact(_condition(first) or first) is None:
                continue
            span = (span_of(first)[0], span_of(second)[1])
            new = f"{view.code(second)} {view.code(first)}"
            old = f"{view.code(first)} {view.code(second)}"
            yield Change("priority", (Edit(span, new),), old, new, statement=True)


_LOOP = re.compile(
    r"for \((?P<type>int(?: unsigned)?) (?P<i>\w+) = 0; (?P=i) < (?P<end>[^;]+); "
    r"(?:(?P=i)\+\+|\+\+(?P=i))\) (?P<body>.*)"
)


def _backwards(view: View, loop: SyntaxNode) -> Iterator[Change]:
    """A loop whose turns depend on each other, from its end to its begin."""
    head = _LOOP.fullmatch(view.code(loop))
    if head is None or not _depends(view, loop.statement, head["i"], False):
        return
    stop = f"{head['i']} >= 0" if head["type"] == "int" else f"{head['i']} < {head['end']}"
    turns = f"for ({head['type']} {head['i']} = {head['end']} - 1; {stop}; {head['i']}--)"
    old = f"for ({head['type']} {head['i']} = 0; {head['i']} < {head['end']}; {head['i']}++) {head['body']}"
    edit = Edit(span_of(loop), f"{turns} {head['body']}")
    yield Change("priority", (edit,), old, edit.new, statement=True)


def _depends(view: View, node: SyntaxNode, variable: str, conditional: bool) -> bool:
    """Whether turns of a loop assign, under conditions, what is the same in all of them; or leave the loop. Not where a
    grant is the condition: at most one turn has it.
    """
    asked = _condition(node) if node.kind == Kind.ConditionalStatement else None
    if asked is not None and view.code(asked) == f"gnt[{variable}]":
        return False
    if node.kind in (Kind.JumpStatement, Kind.ReturnStatement):
        return True
    conditional = conditional or node.kind == Kind.ConditionalStatement
    if conditional and node.kind in _ASSIGNMENTS:
        target = view.code(node.left)
        same = target in view.code(node.right) or view.value(node.right) is not None  # in whatever order, as x = x | y
        return not same and variable not in re.findall(r"\w+", target) and view.fact(node.left) is not None
    return any(_depends(view, child, variable, conditional) for child in children(node))


_TERMS = {
    Kind.LogicalAndExpression: "&&",
    Kind.LogicalOrExpression: "||",
    Kind.BinaryAndExpression: "&",
    Kind.BinaryOrExpression: "|",
}
_NEGATIONS = {Kind.UnaryLogicalNotExpression, Kind.UnaryBitwiseNotExpression}


def _terms(node: SyntaxNode, kind: Kind) -> list[SyntaxNode]:
    """The terms of an and, or of an or."""
    inner = _bare(node)
    return [*_terms(inner.left, kind), *_terms(inner.right, kind)] if inner.kind == kind else [node]


def _parent(place: Place) -> SyntaxNode | None:
    """What is above, without parentheses between."""
    return next((node for node in reversed(place.above) if node.kind != Kind.ParenthesizedExpression), None)


def condition(view: View, place: Place) -> Iterator[Change]:
    """A term of an and or an or is forgotten, or a negation."""
    node = place.node
    whole = view.fact(node)
    if place.lvalue or whole is None or _RESET.match(view.code(node)):
        return
    parent = _parent(place)
    chained = parent is not None and parent.kind == node.kind
    if node.kind in _TERMS and not chained and view.value(node) is None:
        terms = _terms(node, node.kind)
        for dropped in terms:
            kept = [term for term in terms if term is not dropped]
            facts = [view.fact(_bare(term)) for term in kept]
            if view.value(_bare(dropped)) is None and all(f and f.width == whole.width for f in facts):
                yield view.change("condition", node, f" {_TERMS[node.kind]} ".join(map(view.code, kept)))
    if node.kind in _NEGATIONS and view.value(node) is None:
        fact = view.fact(_bare(node.operand))
        if fact and fact.width == whole.width:
            yield view.change("condition", node, view.code(node.operand))


def flag(view: View, place: Place) -> Iterator[Change]:
    """A flag is not set or not cleared, is lost or swapped with its neighbour among others, or a status is another."""
    node = place.node
    if place.lvalue:
        return
    if node.kind in _ASSIGNMENTS and not place.reset:
        yield from _given(view, node)
    parts: list[SyntaxNode] = []
    if node.kind == Kind.ConcatenationExpression:
        parts = [part for part in node.expressions if _is_node(part)]
    if node.kind == Kind.StructuredAssignmentPattern:
        parts = [item.expr for item in node.items if _is_node(item)]
    bits = [(n, p) for n, p in enumerate(parts) if (f := view.fact(p)) and f.width == 1 and not f.enum]
    for n, part in bits:
        if view.value(part) is None:
            new = "1'b0"
            yield Change("flag", (Edit(span_of(part), new),), _shown(view, parts, n, part), new)
    for (n, part), (m, other) in zip(bits, bits[1:], strict=False):
        if m == n + 1 and view.code(part) != view.code(other):
            edits = (Edit(span_of(part), view.code(other)), Edit(span_of(other), view.code(part)))
            old = f"{_shown(view, parts, n, part)}, {_shown(view, parts, m, other)}"
            yield Change("flag", edits, old, f"{view.code(other)}, {view.code(part)}")


def _shown(view: View, parts: list[SyntaxNode], n: int, part: SyntaxNode) -> str:
    """An element with its name or place."""
    item = part.parent
    if item is not None and item.kind == Kind.AssignmentPatternItem:
        return f"{view.code(item.key)}: {view.code(part)}"
    return f"{{{n} of {len(parts)}}} {view.code(part)}"


def _given(view: View, node: SyntaxNode) -> Iterator[Change]:
    target, fact, value = view.fact(node.left), view.fact(node.right), view.value(node.right)
    if target is None or fact is None or value is None:
        return
    left, right = view.code(node.left), view.code(node.right)
    if target.enum and _is_name(node.right):
        names = view.enumerators.get(fact.name, [])
        if right in names and len(names) > 1:
            new = names[(names.index(right) + 1) % len(names)]
            edit = Edit(span_of(node.right), new)
            yield Change("flag", (edit,), view.code(node), f"{left} {node.operatorToken.rawText} {new}")
    if target.width == 1 and not target.enum:
        new = left if node.kind == Kind.NonblockingAssignmentExpression else f"1'b{1 - value}"
        edit = Edit(span_of(node.right), new)
        yield Change("flag", (edit,), view.code(node), f"{left} {node.operatorToken.rawText} {new}")


OPERATORS: dict[str, Callable[[View, Place], Iterator[Change]]] = {
    "narrow": narrow,
    "parameter": parameter,
    "index": index,
    "limit": limit,
    "priority": priority,
    "condition": condition,
    "flag": flag,
}


def changes(view: View) -> list[Change]:
    """All changes of a file, in the order of its code; those with equal text once."""
    found: dict[tuple, Change] = {}
    for place in view.places:
        for operator in OPERATORS.values():
            for change in operator(view, place):
                found.setdefault(change.edits, change)
    return sorted(found.values(), key=lambda change: change.edits[0].span)
