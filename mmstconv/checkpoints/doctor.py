"""Recognise a checkpoint, convert it, say what was done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..modalities import MODALITIES
from .comparing import unusable
from .containers import choose_weights, weights_of
from .conversion import Conversion, sha256_of
from .foreign import ForeignFile, read_foreign
from .layout import Layout
from .numbers import impossible
from .reading import CheckpointError, read_checkpoint
from .recognition import below, find_layout, seek_layout
from .translation import Asked, translate


def convert_checkpoint(
    path: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    in_channels: int | None = None,
    inflate: bool = False,
    modality: str | None = None,
    ema: bool = False,
    eps: float | None = None,
    options: Mapping | None = None,
    trust: bool = False,
) -> Conversion:
    """Bring a published checkpoint under our names.

    The layout is recognised, below whatever container and prefix; see
    :data:`~mmstconv.checkpoints.layouts.LAYOUTS` for those that are known. Files of
    other frameworks (:mod:`~mmstconv.checkpoints.foreign`) are opened too; where their
    layout is unknown, the conversion lists their tensors and cannot be saved.

    Args:
        path: The checkpoint.
        out: Where to write it; nothing is written if None.
        in_channels: Adapt the first convolution to so many input channels.
        inflate: Take the kernels of a 2D network for a 3D one.
        modality: ``'rgb'``, ``'flow'`` or ``'audio'``: what the weights will read, if
            that is not what they were trained on.
        ema: Of a file with both, take the weights that were averaged over training.
        eps: Of the batch norms, if not that of the layout's own code.
        options: Of the layout, what leaves no trace in the weights, e.g.
            ``dict(no_max_pool=True)``; the report says which there are.
        trust: Open a file that holds Python objects; only for files of your own.

    Returns:
        The conversion; ``print(conversion.table())`` shows it.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is no checkpoint or of no known layout, does not fit
            the network of its layout, or holds weights that cannot be.
        ValueError: It cannot be adapted as asked.

    Example:
        >>> convert_checkpoint("rgb_imagenet.pt", "i3d_rgb.pth").backbone
        {'type': 'STConvNet', 'arch': 'i3d', 'in_channels': 3}
    """
    path = Path(path)
    asked = Asked(in_channels, inflate, modality, eps, dict(options or {}))
    _check_asked(asked)
    foreign = read_foreign(path)
    if foreign is not None:
        found = _recognise_foreign(path, foreign)
        if found is None:
            return _unknown(path, foreign)
    else:
        checkpoint = read_checkpoint(path, trust=trust)
        _refuse_ours(path, checkpoint)
        found = _recognise(path, checkpoint, ema)
    layout, source, outside, chosen = found
    conversion = _convert(path, layout, source, asked)
    conversion = replace(
        conversion,
        unmatched=[*conversion.unmatched, *outside],
        notes=[*chosen, *conversion.notes],
    )
    if out is not None:
        conversion.save(out)
    return conversion


def _check_asked(asked: Asked) -> None:
    if asked.in_channels is not None and asked.in_channels < 1:
        raise ValueError(f"in_channels must be at least 1, got {asked.in_channels}")
    if asked.modality is not None and asked.modality not in MODALITIES:
        raise ValueError(f"modality is {asked.modality!r}, must be one of {MODALITIES}")
    if asked.eps is not None and not 0 < asked.eps < 1:
        raise ValueError(f"eps must lie between 0 and 1, got {asked.eps}")


def _recognise(
    path: Path, checkpoint: Mapping, ema: bool
) -> tuple[Layout, dict[str, Tensor], list[str], list[str]]:
    """Layout and weights; names that are not below its prefix; what was chosen."""
    try:
        everything, chosen, inside = choose_weights(checkpoint, ema=ema)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    layout, prefix, note = find_layout(path, everything, ema=inside)
    outside = [key for key in everything if not key.startswith(prefix)]
    chosen += [note] if note else []
    return layout, below(everything, prefix), outside, chosen


def _recognise_foreign(
    path: Path, foreign: ForeignFile
) -> tuple[Layout, dict[str, Tensor], list[str], list[str]] | None:
    """As :func:`_recognise`; None if the layout is unknown or there are no numbers."""
    if not foreign.tensors:
        raise CheckpointError(f"{path}: is {foreign.what} and holds no numbers")
    found = seek_layout(path, foreign.tensors)
    if found is None or foreign.elsewhere or foreign.quantised:
        return None
    layout, prefix, note = found
    weights = below(foreign.tensors, prefix)
    outside = [key for key in foreign.tensors if not key.startswith(prefix)]
    notes = [f"read from {foreign.what}", *foreign.notes, *([note] if note else [])]
    return layout, weights, outside, notes


def _unknown(path: Path, foreign: ForeignFile) -> Conversion:
    """The report on a file of another framework that nothing here is made of."""
    notes = list(foreign.notes)
    if foreign.quantised:
        count = f"{len(foreign.quantised)} of {len(foreign.tensors)} tensors"
        notes.append(f"{count} are quantised: take a file of the network before that")
    layout = Layout(
        name="unknown layout",
        source=foreign.what,
        recognise=lambda weights: False,
        notes="Its layout is none of those in docs/checkpoints.md.",
    )
    return Conversion(
        path,
        sha256_of(path),
        layout,
        unmatched=list(foreign.tensors),
        notes=notes,
        listed=foreign.lines(),
    )


def _convert(
    path: Path, layout: Layout, source: Mapping[str, Tensor], asked: Asked
) -> Conversion:
    if layout.convertible:
        _check_numbers(path, source)
        return translate(path, layout, source, asked)
    return Conversion(
        path,
        sha256_of(path),
        layout,
        unmatched=list(source),
        notes=[*layout.report(source), layout.notes],
    )


def _check_numbers(path: Path, source: Mapping[str, Tensor]) -> None:
    problems = unusable(source, {}) or impossible(source)
    if problems:
        rest = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise CheckpointError(
            f"{path}: holds weights that cannot be: {'; '.join(problems[:3])}{rest}; "
            "the training went wrong or the file was damaged, take another one"
        )


def _refuse_ours(path: Path, checkpoint: Mapping) -> None:
    meta = checkpoint.get("meta")
    ours = meta.get("mmstconv") if isinstance(meta, Mapping) else None
    if isinstance(ours, Mapping):
        raise ValueError(
            f"{path}: is converted already (from {ours.get('source_file')}, layout "
            f"{ours.get('layout')}); use it as it is, or convert the source again"
        )
    if any(str(key).startswith("streams.") for key in weights_of(checkpoint)):
        raise ValueError(
            f"{path}: is a checkpoint of our TriModalRecognizer and needs no "
            "conversion; take a stream over with init_cfg=dict(type='Pretrained', "
            "checkpoint=..., prefix='streams.rgb')"
        )
