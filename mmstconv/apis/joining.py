"""Models of single tasks that share streams and joint, as one with all their heads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import Tensor, nn

from ..checkpoints.comparing import is_counter
from ..checkpoints.filling import fill
from ..disk import own_file, refuse_foreign, write_own
from ..engine.film_caches import cache_key
from .inference import load_recognizer
from .tasks import heads_of, require_streams

HEAD = "cls_head."
JOINT = "joint."
#: Of a config of one task, what the joined one keeps beside the model.
KEPT = ("default_scope", "custom_imports", "test_pipeline")


class _Part(NamedTuple):
    """A model of one task.

    Args:
        where: Its checkpoint, for messages.
        model: Loaded, on the CPU.
        cfg: Of the model, plain.
        key: Tells other streams or clips.
    """

    where: str
    model: nn.Module
    cfg: dict
    key: dict


def join_tasks(
    tasks: Mapping[str, tuple[str | os.PathLike, str | os.PathLike]],
    out: str | os.PathLike,
    *,
    trust: bool = False,
) -> tuple[Path, Path]:
    """One model of several, each of which has learnt a task on the same streams.

    Each head predicts what it does in its own model. A joint with weights has to be the
    same in all: the first task teaches it, the others start from that checkpoint
    (``load_from``) and leave it alone (``optim_wrapper.paramwise_cfg.custom_keys`` with
    ``lr_mult=0`` and ``decay_mult=0`` for ``joint.``). ``ConcatFusion`` has none.

    Args:
        tasks: ``{name: (config, checkpoint)}``, two or more.
        out: Of the checkpoint, ``.pth``; its config lies beside it, ``.py``.
        trust: Open checkpoints that hold Python objects, which may run code.

    Returns:
        The config and the checkpoint.

    Raises:
        ValueError: Streams, clips or joint of two of them differ, or a head is not for
            a joint that others read; says in what.
        ForeignFile: One of the files is there and was not written here.

    Example:
        >>> config, checkpoint = join_tasks(
        ...     dict(events=(events_config, events), summary=(films_config, films)),
        ...     "joined.pth",
        ... )
    """
    out = Path(out)
    if out.suffix != ".pth":
        raise ValueError(f"the joined checkpoint must end with .pth, got {out}")
    if len(tasks) < 2:
        raise ValueError(f"expected two tasks or more, got {list(tasks)}")
    config = out.with_suffix(".py")
    refuse_foreign([out, config])
    parts = {}
    for name, (path, checkpoint) in tasks.items():
        model = load_recognizer(str(path), str(checkpoint), "cpu", trust=trust)
        require_streams(model)
        if "" not in heads_of(model):
            raise ValueError(
                f"{checkpoint} ({name!r}) has several heads already: join the "
                "checkpoints of single tasks"
            )
        key = cache_key(model, model.cfg.test_pipeline, 0)
        parts[name] = _Part(str(checkpoint), model, model.cfg.model.to_dict(), key)
    _check(parts)
    cfg = _joined_config(parts)
    weights = _joined_weights(parts)
    # what is written can be loaded
    fill(MODELS.build(dict(cfg["model"])), weights, complete=True)
    metas = {name: _plain(part.model.dataset_meta) for name, part in parts.items()}
    meta = dict(dataset_meta=dict(tasks=metas))
    with own_file(out) as unfinished:
        torch.save(dict(state_dict=weights, meta=meta), unfinished)
    write_own(config, Config(cfg).dump())
    return config, out


def _check(parts: Mapping[str, _Part]) -> None:
    """Raise unless all have the same streams, clips and joint."""
    for (first, one), (name, part) in combinations(parts.items(), 2):
        what = _difference(one, part)
        if what:
            raise ValueError(
                f"{one.where} ({first!r}) and {part.where} ({name!r}) cannot share a "
                f"trunk: {what}"
            )


def _difference(one: _Part, other: _Part) -> str | None:
    """In what two models cannot share streams and joint; None: they can."""
    joints = [part.cfg.get("joint") or {} for part in (one, other)]
    steps = [part.model.joint.steps for part in (one, other)]
    if steps[0] != steps[1]:
        return (
            f"joint.steps is {steps[0]} and {steps[1]}; train both with the same "
            "number of steps"
        )
    if one.key["streams"] != other.key["streams"]:
        return (
            "their streams differ, in weights, layers or normalisation; train each "
            "task's head from the same streams (load_from) on cached steps "
            "(cached_steps=True), which leaves them as they are"
        )
    if one.key["pipeline"] != other.key["pipeline"]:
        return "their clips differ (test_pipeline); take the same for both"
    fusions = [joint.get("fusion") for joint in joints]
    temporals = [joint.get("temporal") for joint in joints]
    both_reduce = all(_reduces(part.model) for part in (one, other))
    if fusions[0] != fusions[1] or (both_reduce and temporals[0] != temporals[1]):
        return "their joints are configured differently (model.joint)"
    weights = [_weights(part.model, JOINT) for part in (one, other)]
    differing = [
        key
        for key in weights[0]
        if key in weights[1]
        and not is_counter(key)
        and not torch.equal(weights[0][key], weights[1][key])
    ]
    if differing:
        return (
            f"their joints have other weights ({differing[0]}, ...); start the second "
            "from the first's checkpoint and leave its joint alone (docs/analyze.md)"
        )
    return None


def _reduces(model: nn.Module) -> bool:
    """Whether a joint has layers that reduce time."""
    return bool(model.joint.temporal) or model.joint.fused_temporal is not None


def _joined_config(parts: Mapping[str, _Part]) -> dict:
    one = next(iter(parts.values()))
    # where one reduces time, how it does so stands in its joint
    reducing = max(parts.values(), key=lambda part: _reduces(part.model))
    model = dict(
        type=one.cfg["type"],
        data_preprocessor=one.cfg.get("data_preprocessor"),
        streams=one.cfg["streams"],
        joint=reducing.cfg.get("joint"),
        cls_head=dict(
            type="MultiTaskHead",
            heads={name: part.cfg["cls_head"] for name, part in parts.items()},
        ),
        cached_steps=all(part.model.cached_steps for part in parts.values()),
    )
    kept = one.model.cfg.to_dict()
    return dict({key: kept[key] for key in KEPT if key in kept}, model=model)


def _joined_weights(parts: Mapping[str, _Part]) -> dict[str, Tensor]:
    joined: dict[str, Tensor] = {}
    for name, part in parts.items():
        for key, value in part.model.state_dict().items():
            if key.startswith(HEAD):
                key = f"{HEAD}heads.{name}.{key.removeprefix(HEAD)}"
            joined.setdefault(key, value)
    return joined


def _weights(model: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {k: v for k, v in model.state_dict().items() if k.startswith(prefix)}


def _plain(meta: Mapping | None) -> dict:
    """What of a ``dataset_meta`` a checkpoint can hold without Python objects."""
    names = (meta or {}).get("classes")
    return {} if names is None else dict(classes=[str(name) for name in names])
