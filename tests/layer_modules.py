"""One Python file as the layer rules read it: the dotted names that it imports, or reaches through an import."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

Name = tuple[int, str, bool]


@dataclass(frozen=True)
class Module:
    """One Python file: ``path`` is relative to the package."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def zone(self) -> str:
        """Its folder, or its own name if it stands in the package itself."""
        return self.path.split("/")[0].removesuffix(".py")

    def among(self, patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(self.path, pattern) for pattern in patterns)

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def imports(self) -> list[tuple[ast.AST, str, str]]:
        """Every import: its node, the name it binds, the dotted name it stands for."""
        found: list[tuple[ast.AST, str, str]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node, a.asname or a.name.split(".")[0], a.name) for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(node, a.asname or a.name, f"{self._origin(node)}.{a.name}") for a in node.names]
        return found

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = ["tokenlab_nb", *self.path.split("/")[:-1]]
        return ".".join([*here[: len(here) - node.level + 1], *([node.module] if node.module else [])])

    @cached_property
    def names(self) -> list[Name]:
        """``(line, dotted name, late)`` of all that is imported or reached through an import."""
        found = [(getattr(node, "lineno", 1), dotted, False) for node, _, dotted in self.imports]
        bound = {
            name: name if isinstance(node, ast.Import) and "." in dotted and name == dotted.split(".")[0] else dotted
            for node, name, dotted in self.imports
        }
        inside = {id(node) for function in self.functions for node in ast.walk(function)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and (parts := chain(node)) and parts[0] in bound:
                found.append((node.lineno, ".".join([bound[parts[0]], *parts[1:]]), False))
            elif isinstance(node, ast.Call) and _is_import_module(node):
                target = node.args[0] if node.args else None
                literal = target.value if isinstance(target, ast.Constant) else "?"
                found.append((node.lineno, str(literal), id(node) in inside))
        return found


def chain(node: ast.expr) -> list[str]:
    """``a.b.c`` as its parts; empty where it does not begin with a plain name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (head := chain(node.value)):
        return [*head, node.attr]
    return []


def _is_import_module(node: ast.Call) -> bool:
    return (chain(node.func) or [""])[-1] in {"import_module", "__import__"}


def under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
