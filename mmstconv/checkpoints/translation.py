"""From the weights of one layout to those of our network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .adapt import adapt_input, inflate
from .comparing import are_flat, compare
from .conversion import Conversion, sha256_of
from .layout import Layout
from .networks import BACKBONE, first_kernel, parameters_of, with_eps
from .numbers import suspicious
from .reading import CheckpointError


class Asked(NamedTuple):
    """What the user asks to change; the arguments of ``convert_checkpoint``."""

    in_channels: int | None
    inflate: bool
    modality: str | None
    eps: float | None
    options: dict


def translate(
    path: Path, layout: Layout, source: Mapping[str, Tensor], asked: Asked
) -> Conversion:
    """Rename, reshape and adapt weights, and compare them with their network.

    Args:
        path: The file, named in errors.
        layout: A convertible one that the weights have.
        source: The weights by the layout's names.
        asked: What to change.

    Raises:
        ValueError: They do not fit the network of the layout, or cannot be adapted as
            asked.
    """
    cfg = _network(path, layout, source, asked.options)
    source = layout.merge(source, **asked.options)
    names, unmatched = rename(path, layout, source)
    weights = {new: layout.reshape(new, source[old]) for new, old in names.items()}
    channels, cfg, adapted = _adapt(path, layout, weights, cfg, asked)
    preprocessing, note = _read_as(layout.preprocessing(source), asked, channels, cfg)
    matched, reshaped = [], []
    for new, old in names.items():
        before, after = tuple(source[old].shape), tuple(weights[new].shape)
        if before == after:
            matched.append((old, new))
        else:
            reshaped.append((old, new, before, after))
    notes = [*layout.report(source), *suspicious(source), layout.notes, note]
    notes.append(_open_options(layout, asked.options))
    return Conversion(
        path,
        sha256_of(path),
        layout,
        backbone=cfg,
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
        notes=[line for line in notes if line],
    )


def _network(
    path: Path, layout: Layout, source: Mapping[str, Tensor], options: Mapping
) -> dict:
    """The config of the network that the weights are of."""
    _check_options(path, layout, options)
    try:
        return dict(layout.backbone(source, **options))
    except ValueError as error:
        raise CheckpointError(
            f"{path}: looks like {layout.name}, but {error}"
        ) from error


def rename(
    path: Path, layout: Layout, source: Mapping[str, Tensor]
) -> tuple[dict[str, str], list[str]]:
    """Our names and those of the source, and what has no place.

    Raises:
        ValueError: Two weights have the same place.
    """
    names, unmatched = {}, []
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
    return names, unmatched


def _adapt(
    path: Path, layout: Layout, weights: dict[str, Tensor], cfg: dict, asked: Asked
) -> tuple[int, dict, list[str]]:
    """Change weights in place as asked, and compare them with their network.

    Returns:
        Input channels of the source; the network's config; what was changed.
    """
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
    cfg = {**cfg, "in_channels": wanted}
    expected = parameters_of(cfg)
    adapted = []
    if asked.inflate:
        count = _inflate_all(weights, expected)
        if not count:
            raise ValueError(
                f"{path}: inflate was asked for, but {layout.name} has no 2D kernels "
                "that its network wants in 3D"
            )
        adapted.append(f"inflated ({count} kernels)")
    if wanted != channels:
        weights[first] = adapt_input(weights[first], wanted)
        adapted.append(f"first convolution {channels} -> {wanted} channels (mean)")
    _check_fit(path, layout, weights, expected, asked.inflate)
    return channels, cfg, adapted


def _inflate_all(weights: dict[str, Tensor], expected: Mapping[str, Tensor]) -> int:
    """Inflate in place what is 2D and wanted in 3D; how many kernels that were."""
    misfits = compare(weights, expected).misfits.items()
    flat = {key: wanted for key, (given, wanted) in misfits if are_flat(given, wanted)}
    for key, wanted in flat.items():
        weights[key] = inflate(weights[key], wanted[2])
    return len(flat)


def _check_fit(
    path: Path,
    layout: Layout,
    weights: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    inflating: bool,
) -> None:
    backbone = {k: value for k, value in weights.items() if k.startswith(BACKBONE)}
    found = compare(backbone, expected)
    problems = []
    if found.unusable:
        problems.append(f"unusable: {_short(found.unusable)}")
    if any(are_flat(*shapes) for shapes in found.misfits.values()):
        remedy = "" if inflating else "; inflate them with --inflate (inflate=True)"
        problems.append(f"its kernels are 2D, those of the network 3D{remedy}")
    elif found.misfits:
        wrong = [
            f"{key} is {given}, not {wanted}"
            for key, (given, wanted) in found.misfits.items()
        ]
        problems.append(f"wrong shapes: {_short(wrong)}")
    if found.missing:
        problems.append(f"missing: {_short(found.missing)}")
    if found.foreign:
        problems.append(f"not part of the network: {_short(found.foreign)}")
    if problems:
        raise ValueError(
            f"{path}: looks like {layout.name}, but does not fit its network. "
            + ". ".join(problem[0].upper() + problem[1:] for problem in problems)
        )


def _short(items: list[str], most: int = 4) -> str:
    rest = f", ... ({len(items)} in all)" if len(items) > most else ""
    return ", ".join(items[:most]) + rest


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
    preprocessing: dict, asked: Asked, trained_channels: int, cfg: Mapping
) -> tuple[dict, str]:
    """The preprocessing for what the weights will read, and a note if it differs."""
    trained, channels = preprocessing.get("modality"), cfg["in_channels"]
    changed = channels != trained_channels
    modality = asked.modality or ("flow" if changed and channels == 2 else trained)
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
