"""Some streams of a model on their own: no other is computed, nothing is fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import TRANSFORMS
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from ...datasets.transforms.roles import role_of
from ...models import TriModalRecognizer
from ...models.recognizers.building import plain_preprocessor

WINDOWLESS = ("open", "clip", "format", "pack")  # steps that read neither


def streams_alone(model: nn.Module, names: Sequence[str]) -> nn.Module:
    """A recognizer of some streams of another, on common steps of time.

    Streams and what normalises their inputs are shared, not copied. The steps are as
    many as the model's joint says, else those of the stream with the fewest.

    Args:
        model: A ``TriModalRecognizer`` with a ``cfg``.
        names: Of streams.
    """
    joint = model.joint
    widths = (
        {} if joint.takes_maps else {name: joint.in_channels[name] for name in names}
    )
    alone = recognizer_of(
        {name: model.streams[name] for name in model.streams if name in names},
        pipeline_alone(model.cfg.test_pipeline, names),
        dict(steps=joint.steps, in_channels=widths),
    )
    parts = getattr(model.data_preprocessor, "preprocessors", None)
    if parts is None:
        alone.data_preprocessor = model.data_preprocessor
    else:
        for name in names:
            alone.data_preprocessor.preprocessors[name] = parts[name]
    return alone.eval().to(next(model.parameters()).device)


def recognizer_of(
    streams: Mapping[str, nn.Module],
    pipeline: Sequence[Mapping],
    joint: Mapping | None = None,
    preprocessors: Mapping[str, Mapping] | None = None,
) -> nn.Module:
    """Streams as a recognizer with a pipeline; its head is of no use.

    Args:
        streams: ``{modality: stream}``.
        pipeline: For its ``cfg.test_pipeline``.
        joint: Arguments of the joint.
        preprocessors: Of each modality. None: nothing is subtracted or divided by.
    """
    prepare = plain_preprocessor(streams)
    if preprocessors is not None:
        prepare = dict(prepare, preprocessors=dict(preprocessors))
    with DefaultScope.overwrite_default_scope("mmaction"), torch.random.fork_rng([]):
        model = TriModalRecognizer(
            dict(streams),
            dict(type="TriModalFusionHead", num_classes=2),
            joint=dict(joint or {}, fusion=dict(type="ConcatFusion")),
            data_preprocessor=prepare,
        )
    model.cfg = ConfigDict(test_pipeline=list(pipeline))
    return model.eval()


def pipeline_alone(pipeline: Sequence[Mapping], names: Sequence[str]) -> list[dict]:
    """A test pipeline without what only other modalities need, of one clip a file."""
    chosen = []
    visual = bool(set(names) - _of_windows(pipeline))
    for step in pipeline:
        role, step = _role(step), dict(step)
        fills = set(role.modalities)
        if role.step == "clip":
            step["num_clips"] = 1
        elif role.step == "format":
            step = dict(type=step["type"], modalities=list(names))
        elif role.step == "pack":
            step["collect_keys"] = list(names)
        elif role.of_windows:
            if fills and not fills & set(names):
                continue
        elif role.step not in WINDOWLESS and not visual:
            continue
        elif fills and role.step != "frames" and not fills & set(names):
            continue
        chosen.append(step)
    return chosen


def _of_windows(pipeline: Sequence[Mapping]) -> set[str]:
    """Modalities that are made of windows of time and not of frames."""
    roles = map(_role, pipeline)
    return {name for role in roles if role.of_windows for name in role.modalities}


def _role(step: Mapping):
    with DefaultScope.overwrite_default_scope("mmaction"):
        return role_of(TRANSFORMS.get(step["type"]))
