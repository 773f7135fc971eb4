"""Recognise a checkpoint, convert it, say what was done."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .adapt import adapt_input
from .containers import choose_weights, weights_of
from .conversion import Conversion
from .entries import unusable
from .fitting import check_fit, first_kernel, inflate_all, shapes_of, with_eps
from .layout import Layout
from .numbers import impossible, suspicious
from .reading import CheckpointError, read_checkpoint
from .recognition import below, find_layout

MODALITIES = ("rgb", "flow", "audio")


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
    :data:`~mmstconv.checkpoints.LAYOUTS` for those that are known.

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
    if in_channels is not None and in_channels < 1:
        raise ValueError(f"in_channels must be at least 1, got {in_channels}")
    if modality is not None and modality not in MODALITIES:
        raise ValueError(f"modality is {modality!r}, must be one of {MODALITIES}")
    if eps is not None and not 0 < eps < 1:
        raise ValueError(f"eps must lie between 0 and 1, got {eps}")
    checkpoint = read_checkpoint(path, trust=trust)
    _refuse_ours(path, checkpoint)
    try:
        everything, chosen, inside = choose_weights(checkpoint, ema=ema)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    layout, prefix, note = find_layout(path, everything, ema=inside)
    source = below(everything, prefix)
    chosen += [note] if note else []
    if layout.convertible:
        _check_numbers(path, source)
        asked = Asked(in_channels, inflate, modality, eps, dict(options or {}))
        conversion = _convert(path, layout, source, asked)
    else:
        conversion = Conversion(
            path,
            _sha256(path),
            layout,
            unmatched=list(source),
            notes=[*layout.report(source), layout.notes],
        )
    conversion = replace(
        conversion,
        unmatched=[
            *conversion.unmatched,
            *(key for key in everything if prefix and not key.startswith(prefix)),
        ],
        notes=[*chosen, *conversion.notes],
    )
    if out is not None:
        conversion.save(out)
    return conversion


class Asked(NamedTuple):
    """What :func:`convert_checkpoint` was asked to change."""

    in_channels: int | None
    inflate: bool
    modality: str | None
    eps: float | None
    options: dict


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


def _convert(
    path: Path,
    layout: Layout,
    source: Mapping[str, Tensor],
    asked: Asked,
) -> Conversion:
    _check_options(path, layout, asked.options)
    try:
        cfg = dict(layout.backbone(source, **asked.options))
    except ValueError as error:
        raise CheckpointError(
            f"{path}: looks like {layout.name}, but {error}"
        ) from error
    names, unmatched = {}, []  # target -> source
    for key in source:
        target = layout.rename(key)
        if target is None:
            unmatched.append(key)
        elif target in names:
            raise ValueError(
                f"{path}: {names[target]} and {key} both are {target} in the layout "
                f"{layout.name}; the file is not of one network"
            )
        else:
            names[target] = key
    weights = {new: layout.reshape(new, source[old]) for new, old in names.items()}

    first = first_kernel(cfg)
    if first not in weights:
        raise ValueError(
            f"{path}: does not fit {layout.name}: the first convolution ({first}) is "
            "missing"
        )
    channels = weights[first].shape[1]
    wanted = channels if asked.in_channels is None else asked.in_channels
    if asked.eps is not None:
        cfg = with_eps(cfg, asked.eps, weights[first].dim())
    expected = shapes_of({**cfg, "in_channels": wanted})
    adapted = []
    if asked.inflate:
        count = inflate_all(weights, expected)
        if not count:
            raise ValueError(
                f"{path}: inflate was asked for, but {layout.name} has no 2D kernels "
                "that its network wants in 3D"
            )
        adapted.append(f"inflated ({count} kernels)")
    if wanted != channels:
        weights[first] = adapt_input(weights[first], wanted)
        adapted.append(f"first convolution {channels} -> {wanted} channels (mean)")
    check_fit(path, layout, weights, expected, asked.inflate)

    preprocessing = layout.preprocessing(source)
    changed = wanted != channels
    preprocessing, note = _read_as(preprocessing, asked.modality, changed, wanted)
    matched, reshaped = [], []
    for new, old in names.items():
        before, after = tuple(source[old].shape), tuple(weights[new].shape)
        if before == after:
            matched.append((old, new))
        else:
            reshaped.append((old, new, before, after))
    return Conversion(
        path,
        _sha256(path),
        layout,
        backbone={**cfg, "in_channels": wanted},
        weights={
            # a view would drag the storage it looks at into the file
            key: value.clone(memory_format=torch.contiguous_format)
            for key, value in weights.items()
        },
        matched=matched,
        reshaped=reshaped,
        unmatched=unmatched,
        preprocessing=preprocessing,
        adapted=adapted,
        notes=[
            line
            for line in (
                *layout.report(source),
                *suspicious(source),
                layout.notes,
                note,
                _open_options(layout, asked.options),
            )
            if line
        ],
    )


def _check_options(path: Path, layout: Layout, options: Mapping) -> None:
    for name, value in options.items():
        if name not in layout.options:
            known = ", ".join(layout.options) or "none"
            raise ValueError(
                f"{path}: {layout.name} has no option {name!r}; its options: {known}"
            )
        if type(value) is not type(layout.options[name]):
            raise ValueError(
                f"{path}: option {name} is {value!r}, must be like "
                f"{layout.options[name]!r}"
            )


def _open_options(layout: Layout, options: Mapping) -> str:
    if not layout.options:
        return ""
    settings = {**layout.options, **options}
    said = " ".join(f"{name}={value}" for name, value in settings.items())
    return (
        "Options that change the network and leave no trace in its weights are taken "
        f"to be {said}; if it was trained with others, say so with --options"
    )


def _read_as(
    preprocessing: dict, modality: str | None, changed: bool, channels: int
) -> tuple[dict, str]:
    """The preprocessing for what the weights will read, and a note if it differs."""
    trained = preprocessing.get("modality")
    modality = modality or ("flow" if changed and channels == 2 else trained)
    if not changed and modality == trained:
        return preprocessing, ""
    kept = {} if modality is None else {"modality": modality}
    if "clip" in preprocessing and modality != "audio":
        kept["clip"] = preprocessing["clip"]
    return kept, (
        f"Trained on {trained or 'an unknown input'}, read by "
        f"{modality or 'another input'} of {channels} channels: the source's mean and "
        "std do not apply; take the config's."
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
