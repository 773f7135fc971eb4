"""Several tasks on one joint: a dictionary of heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor

from ..layers import class_of
from .labels import sample_name

if TYPE_CHECKING:
    from ..joint import Fused


@MODELS.register_module()
class MultiTaskHead(BaseModule):
    """Heads of several tasks that read the same streams and the same joint.

    Each is any head of the project, or one of the user's own, and gets what it would
    get alone. A sample may have the truth of some tasks only, as where data sets of
    several tasks are joined: the loss of a task is over the samples that have its
    truth, and missing where none of a batch has. A head says by its class attribute
    ``truth`` what that is, ``'gt_importance'`` or ``'gt_instances.segments'``; one that
    says nothing gets all samples. In several processes such a batch needs
    ``find_unused_parameters=True``, as any part of a model without a loss does.

    The first head that reads one vector a clip (``over_time='vector'``) makes the joint
    reduce time. Operators of scores serve one head alone and are refused.

    Args:
        heads: ``{name: config}``, in the order in which they predict.
        in_channels: Channels of the joint's output; the recognizer says it.
        stream_channels: Channels of each stream; the recognizer says it.
        gives_scores: Whether the joint's operator is one of scores; the recognizer says
            it.
        loss_weights: ``{name: weight}`` of the losses of a task; 1 where it says none.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N * M clips, M of each sample.
        - Output: ``{name: what the head gives}``.

    Raises:
        ValueError: There are no heads; a name cannot be one; a weight is of no head or
            negative; two heads predict the same; no sample of a batch has any truth.
    """

    over_time = "steps"  # unless a head wants a vector, see ``needs``

    def __init__(
        self,
        heads: Mapping[str, Mapping],
        in_channels: int,
        *,
        stream_channels: Mapping[str, int],
        gives_scores: bool = False,
        loss_weights: Mapping[str, float] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        _check_heads(heads)
        given = dict(stream_channels=stream_channels, gives_scores=gives_scores)
        self.heads = ModuleDict()
        for name, cfg in heads.items():
            more = given if hasattr(class_of(cfg), "needs") else {}
            self.heads[name] = MODELS.build(dict(cfg, in_channels=in_channels, **more))
        self.loss_weights = _checked_weights(loss_weights or {}, heads)

    @classmethod
    def needs(cls, cfg: Mapping, stream_channels: Mapping[str, int]) -> dict:
        """What the joint has to give all heads, as arguments of the joint.

        Args:
            cfg: Of this head.
            stream_channels: ``{modality: D_m}``.
        """
        _check_heads(cfg.get("heads"))
        over_time, streams = "steps", dict[str, None]()
        for one in cfg["heads"].values():
            kind = class_of(one)
            if getattr(kind, "over_time", "steps") == "vector":
                over_time = "vector"
            if hasattr(kind, "needs"):
                asked = kind.needs(one, stream_channels)
                streams |= dict.fromkeys(asked.get("reads_streams", ()))
        return dict(over_time=over_time, reads_streams=tuple(streams))

    def forward(self, fused: Fused) -> dict[str, object]:
        return {name: head(fused) for name, head in self.heads.items()}

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of all tasks, ``{task}.{loss}``, each of the samples with its truth.

        Args:
            fused: N * M clips, those of a sample one after another.
            data_samples: N, with the truth of some tasks.
        """
        clips = len(fused.features.like) // len(data_samples)
        losses = {}
        for name, head in self.heads.items():
            has = [row for row, one in enumerate(data_samples) if _is_for(head, one)]
            if not has:
                continue
            part = fused
            if len(has) < len(data_samples):
                rows = torch.tensor(has)[:, None] * clips + torch.arange(clips)
                part = fused.rows(rows.flatten())
            found = head.loss(part, [data_samples[row] for row in has])
            losses |= self._named(name, found)
        if not losses:
            wanted = [f"{getattr(h, 'truth', '')!r} ({n})" for n, h in
                      self.heads.items()]  # fmt: skip
            raise ValueError(
                f"{sample_name(data_samples[0])}: no sample of the batch has truth of "
                f"any task, such as {', '.join(wanted)}: the pipeline's last transform "
                "has to pack it"
            )
        return losses

    def _named(self, name: str, losses: Mapping) -> dict[str, Tensor]:
        """With the task's prefix, and losses with its weight; accuracies have none."""
        weight = self.loss_weights.get(name, 1.0)
        named = {}
        for key, value in losses.items():
            if "loss" in key:
                several = isinstance(value, (list, tuple))
                value = [weight * v for v in value] if several else weight * value
            named[f"{name}.{key}"] = value
        return named

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """The data samples, with what each head writes into them."""
        written: dict[str, str] = {}
        for name, head in self.heads.items():
            before = dict(data_samples[0].items())
            data_samples = head.predict(fused, data_samples)
            for key, value in data_samples[0].items():
                if key in before and before[key] is value:
                    continue
                if key in written:
                    raise ValueError(
                        f"heads {written[key]!r} and {name!r} both predict {key!r}: of "
                        "the heads of one model each has a task of its own"
                    )
                written[key] = name
        return data_samples


def _is_for(head: BaseModule, sample: object) -> bool:
    """Whether a sample has the truth that a head learns from."""
    value = sample
    for part in filter(None, getattr(head, "truth", "").split(".")):
        value = value.get(part, None) if part in value else None
        if value is None:
            return False
    return True


def _check_heads(heads: object) -> None:
    if not isinstance(heads, Mapping) or not heads:
        raise ValueError(
            "heads: expected a config of each task, such as "
            f"dict(events=dict(type='TemporalEventHead', ...)), got {heads!r}"
        )
    for name in heads:
        # losses are told from other values by that word in their names
        if not isinstance(name, str) or not name.isidentifier() or "loss" in name:
            raise ValueError(
                f"heads: {name!r} cannot be the name of a task; take a plain word "
                "without 'loss' in it, such as 'events'"
            )


def _checked_weights(
    weights: Mapping[str, float], heads: Mapping[str, Mapping]
) -> dict[str, float]:
    for name, weight in weights.items():
        if name not in heads:
            raise ValueError(
                f"loss_weights: there is no head {name!r}, there are {list(heads)}"
            )
        if isinstance(weight, bool) or not (
            isinstance(weight, (int, float)) and 0 <= weight < float("inf")
        ):
            raise ValueError(
                f"loss_weights: that of {name!r} must be a number from 0 on, got "
                f"{weight!r}"
            )
    return dict(weights)
