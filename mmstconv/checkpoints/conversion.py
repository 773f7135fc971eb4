"""What the doctor found and made of one checkpoint."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import torch
from torch import Tensor

from ..disk import own_file
from ..version import __version__
from .layout import Layout

_SHOWN = 10
_EXAMPLES = 3
_ALL = 400


@dataclass(frozen=True)
class Conversion:
    """A checkpoint under our names.

    Args:
        source: The file.
        sha256: Its digest.
        layout: Its layout.
        backbone: Config of the network its weights fit, with ``in_channels``; empty
            if the layout cannot be converted.
        weights: ``backbone.…`` and ``cls_head.…``.
        matched: Source and target keys of the tensors taken as they are.
        reshaped: Source key, target key, shape before and after.
        unmatched: Source keys without a place.
        missing: Target keys that nothing fills; those make a conversion fail.
        preprocessing: What the network expects of its input.
        adapted: What was changed on request.
        notes: What a user must know.
        listed: Of a file whose layout nobody here knows, a line for each tensor.
    """

    source: Path
    sha256: str
    layout: Layout
    backbone: dict = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    matched: Sequence[tuple[str, str]] = ()
    reshaped: Sequence[tuple[str, str, tuple, tuple]] = ()
    unmatched: Sequence[str] = ()
    missing: Sequence[str] = ()
    preprocessing: dict = field(default_factory=dict)
    adapted: Sequence[str] = ()
    notes: Sequence[str] = ()
    listed: Sequence[str] = ()

    def table(self) -> str:
        """Counts, then the keys: few of the matched ones, more of the others."""
        lines = [f"{self.layout.name} ({self.layout.source})"]
        if self.listed:
            lines += _section(f"{len(self.listed)} tensors", self.listed, _ALL)
            return "\n".join(lines + _section("notes", self.notes))
        for name in ("matched", "reshaped", "unmatched", "missing"):
            lines.append(f"  {name:9} {len(getattr(self, name)):4}")
        some = [f"{old} -> {new}" for old, new in self.matched]
        lines += _section("matched, for example", some, _EXAMPLES)
        some = [
            f"{old} {before} -> {new} {after}"
            for old, new, before, after in self.reshaped
        ]
        lines += _section("reshaped", some)
        lines += _section("unmatched", _condensed(self.unmatched))
        lines += _section("missing", self.missing)
        lines += _section("adapted", self.adapted)
        lines += _section("notes", self.notes)
        return "\n".join(lines)

    def provenance(self) -> dict:
        """Where the weights come from and what they expect, in plain types."""
        return dict(
            layout=self.layout.name,
            source_url=self.layout.source,
            source_file=self.source.name,
            sha256=self.sha256,
            backbone=_plain(self.backbone),
            preprocessing=_plain(self.preprocessing),
            adapted=list(self.adapted),
            mmstconv=__version__,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )

    def content(self) -> dict:
        """What the converted file holds."""
        return dict(state_dict=self.weights, meta=dict(mmstconv=self.provenance()))

    def save(self, out: str | os.PathLike) -> Path:
        """Write the converted file: whole or not at all, never over another one.

        Raises:
            ValueError: The layout cannot be converted, or ``out`` is the source.
            ForeignFile: There is a file that was not written here.
            FileNotFoundError: The folder of ``out`` does not exist.
        """
        out = Path(out)
        if not self.layout.convertible:
            raise ValueError(
                f"{self.source}: {self.layout.name} cannot be converted, nothing was "
                f"written. {self.layout.notes}"
            )
        if not out.parent.is_dir():
            raise FileNotFoundError(f"{out}: the folder {out.parent} does not exist")
        if out.exists() and out.samefile(self.source):
            raise ValueError(f"{out}: would overwrite the source; choose another name")
        with own_file(out) as part:
            torch.save(self.content(), part)
        return out


def _section(title: str, lines: Sequence[str], most: int = _SHOWN) -> list[str]:
    shown = [f"  {line}" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"  ... and {len(lines) - most} more")
    return [f"{title}:", *shown] if lines else []


def _condensed(keys: Sequence[str]) -> list[str]:
    """Keys one by one while they are few, else how many each first name has."""
    if len(keys) <= _SHOWN:
        return list(keys)
    counts = Counter(key.split(".")[0] for key in keys)
    return [f"{name}.*: {count}" for name, count in counts.items()]


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def sha256_of(path: Path) -> str:
    """The digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
