"""The files of a config, read as text: in which line a key or a name stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ...private_names import base_config_path

OURS = Path(__file__).resolve().parents[2] / ".mim" / "configs"


class ConfigError(ValueError):
    """A config that cannot be used; says where and why."""


@dataclass
class Source:
    """One file of a config.

    Args:
        path: As it was found.
        tree: Its syntax.
    """

    path: Path
    tree: ast.Module

    def line_of(self, name: str) -> int | None:
        """The first line where ``name`` is set, or given as a string."""
        lines = [line for found, line in _names(self.tree) if found == name]
        return min(lines, default=None)

    def read_names(self) -> Iterator[str]:
        """Variables that the file reads, its own and those of its bases."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, ast.Attribute):  # _base_.name
                yield node.attr


def sources_of(path: str | Path) -> list[Source]:
    """A config's file and those it inherits from, in the order of inheritance.

    Files other than ``.py`` have no lines to name and are left out.

    Raises:
        ConfigError: A file cannot be parsed, or a base does not exist.
    """
    path = Path(path)
    if path.suffix != ".py":
        return []
    source = Source(path, _parsed(path))
    found = [source]
    for line, base in _bases(source):
        try:
            resolved = base_config_path(base, str(path))
            missing = not Path(resolved).is_file()
        except FileNotFoundError:
            missing = True
        except (OSError, ValueError, ImportError) as error:
            raise ConfigError(f"{path}:{line}: base {base!r}: {error}") from error
        if missing:
            raise ConfigError(
                f"{path}:{line}: there is no base config {base!r}{_similar(base, path)}"
            )
        found += sources_of(resolved)
    return found


def where(name: str, sources: list[Source]) -> str:
    """``file:line`` of a name, in the file that inherits before its bases."""
    for source in sources:
        line = source.line_of(name)
        if line is not None:
            return f"{source.path}:{line}"
    return str(sources[0].path) if sources else "the config"


def _similar(base: str, path: Path) -> str:
    if base.startswith("mmstconv::"):
        names = [f"mmstconv::{one.relative_to(OURS)}" for one in OURS.rglob("*.py")]
    else:
        folder = Path(base).parent
        found = (path.parent / folder).glob("*.py")
        names = [
            one.name if folder == Path() else f"{folder}/{one.name}" for one in found
        ]
    if base in names:
        return "; the installation is older than the checkout: install it again"
    close = get_close_matches(base.removeprefix("./"), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg}") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{path}: is no Python text ({error})") from error


def _bases(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "_base_"
            for target in node.targets
        ):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:  # computed: MMEngine evaluates it
                return
            for base in [value] if isinstance(value, str) else value:
                yield node.lineno, base


def _names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
