"""What slang knows of a bench's design: the syntax of its files, and of each expression its type and, where it is
constant, its value.

An expression is known by its place, file and offsets. One that is elaborated several times, in instances or iterations
of a generate loop, has a value only where it has the same in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyslang
from pyslang import ast, syntax

from verif.flow.mutants.campaign import CampaignError

Span = tuple[int, int]
"""Offsets in a file, of the first character and behind the last."""


@dataclass(frozen=True)
class Fact:
    """The type of an expression: ``name`` is the whole of it."""

    width: int
    signed: bool
    enum: bool
    name: str


def source_text(path: Path) -> str:
    """A file's text, a character a byte: slang counts bytes."""
    return path.read_bytes().decode("latin-1")


class Design:
    """A top with its parameters, elaborated."""

    def __init__(self, top: str, sources: Sequence[Path], params: Mapping[str, int]) -> None:
        self._manager = pyslang.SourceManager()
        self.trees = {path: syntax.SyntaxTree.fromFile(str(path), self._manager) for path in sources}
        options = ast.CompilationOptions()
        options.topModules = {top}
        options.paramOverrides = [f"{name}={value}" for name, value in params.items()]
        self._compilation = ast.Compilation(pyslang.Bag([options]))
        for tree in self.trees.values():
            self._compilation.addSyntaxTree(tree)
        root = self._compilation.getRoot()
        wrong = [d for d in self._compilation.getAllDiagnostics() if d.isError()]
        if wrong or not root.topInstances:
            told = pyslang.DiagnosticEngine.reportAll(self._manager, wrong).splitlines()[:1]
            raise CampaignError(f"{top}: slang does not elaborate it: {' '.join(told) or 'no such module'}")
        self._context = ast.EvalContext(root)
        self._paths = {str(path): path for path in sources}
        self._file_of: dict[object, Path | None] = {}
        self._found: dict[tuple[Path, Span], list[ast.Expression]] = {}
        self.outputs: set[tuple[Path, Span]] = set()
        """What ports of instances drive."""
        self.selects: dict[tuple[Path, Span], int] = {}
        """Of each index: how many elements there are to choose from."""
        self.modules: dict[str, ast.InstanceSymbol] = {}
        """The first instance of each module."""
        for package in self._compilation.getPackages():
            package.visit(self._note)
        root.visit(self._note)

    def _place(self, span: pyslang.SourceRange) -> tuple[Path, Span] | None:
        buffer = span.start.buffer
        if buffer not in self._file_of:
            self._file_of[buffer] = self._paths.get(str(self._manager.getFullPath(buffer)))
        path = self._file_of[buffer]
        return (path, (span.start.offset, span.end.offset)) if path else None

    def _note(self, node: object) -> ast.VisitAction:
        if isinstance(node, ast.GenerateBlockSymbol) and node.isUninstantiated:
            return ast.VisitAction.Skip
        if isinstance(node, ast.InstanceSymbol):
            self.modules.setdefault(node.definition.name, node)
        if isinstance(node, ast.Expression):
            self._note_expression(node)
        return ast.VisitAction.Advance

    def _note_expression(self, node: ast.Expression) -> None:
        place = self._place(node.sourceRange)
        if place is None or isinstance(node, ast.EmptyArgumentExpression):
            return
        if isinstance(node, ast.ConversionExpression) and node.isImplicit:
            return
        if isinstance(node, ast.AssignmentExpression) and isinstance(node.right, ast.EmptyArgumentExpression):
            self.outputs.add(place)
            return
        self._found.setdefault(place, []).append(node)
        if isinstance(node, ast.ElementSelectExpression):
            selector = self._place(node.selector.sourceRange)
            if selector and node.value.type.hasFixedRange:
                self.selects[selector] = node.value.type.fixedRange.width

    def fact(self, path: Path, span: Span) -> Fact | None:
        """The type of the expression that stands there; none where nothing is elaborated, or no bits."""
        found = self._found.get((path, span))
        if not found or not found[0].type.isIntegral:
            return None
        kind = found[0].type
        return Fact(kind.bitWidth, kind.isSigned, kind.isEnum, str(kind))

    def value(self, path: Path, span: Span) -> int | None:
        """The value of the expression that stands there, if it is constant and everywhere the same."""
        values = set()
        for expression in self._found.get((path, span), ()):
            value = expression.eval(self._context).value
            if not isinstance(value, pyslang.SVInt) or value.hasUnknown:
                return None
            values.add(int(value))
            if len(values) > 1:
                return None
        return values.pop() if values else None

    def variables(self, path: Path) -> dict[str, str]:
        """The variables and ports of the module in a file, name -> type."""
        instance = self.modules.get(path.stem)
        symbols = [s for s in (instance.body if instance else ()) if isinstance(s, ast.VariableSymbol | ast.NetSymbol)]
        return {symbol.name: str(symbol.type) for symbol in symbols}

    def parameters(self, path: Path) -> dict[str, int | None]:
        """The parameters, local ones too, of the (first instance of the) module in a file, name -> value."""
        instance = self.modules.get(path.stem)
        symbols = [s for s in (instance.body if instance else ()) if isinstance(s, ast.ParameterSymbol)]
        return {s.name: int(s.value.value) if isinstance(s.value.value, pyslang.SVInt) else None for s in symbols}


def children(node: syntax.SyntaxNode) -> Iterator[syntax.SyntaxNode]:
    """The nodes right below one, without tokens."""
    return (child for child in node if isinstance(child, syntax.SyntaxNode))


def span_of(node: syntax.SyntaxNode) -> Span:
    """Where a node stands."""
    found = node.sourceRange
    found = found() if callable(found) else found
    return found.start.offset, found.end.offset
