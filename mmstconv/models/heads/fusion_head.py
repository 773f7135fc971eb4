"""Classification from several modalities at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from mmengine.model import ModuleDict, normal_init
from torch import Tensor, nn

from .labels import collect_labels, smooth_labels

_AVERAGES = ("prob", "score")


@MODELS.register_module()
class TriModalFusionHead(BaseHead):
    """Reduce each stream over time, fuse, dropout, fully connected.

    Several clips of a sample are separate examples in training (each with the
    sample's label) and are averaged in testing.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of each stream.
        temporal: Config of the temporal reduction: one for all streams, or one per
            stream. None: ``dict(type='LastState')``.
        fusion: Config of the fusion operator. None: ``dict(type='ConcatFusion')``.
        dropout_ratio: Dropout before the fully connected layers.
        aux_loss_weight: Weight of a loss on each stream alone, one for all streams
            or one per stream. A stream with a weight has a classifier of its own;
            its loss is the mean over the samples in which it is present.
        loss_cls: Config of the loss. None: ``dict(type='CrossEntropyLoss')``.
        label_smooth_eps: Label smoothing.
        topk: Training accuracies to log. Those of ``num_classes`` and above are
            left out: they are always 1.
        average_clips: Average ``'prob'`` (softmax) or ``'score'`` over clips.
        init_std: Standard deviation of the initial fully connected weights.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``feats`` ``{modality: (N * M, T', D_m)}`` of N samples with M
          clips each, ``presence`` ``{modality: bool (N * M,)}``.
        - Output: ``(N * M, num_classes)``.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Mapping[str, int],
        *,
        temporal: Mapping | None = None,
        fusion: Mapping | None = None,
        dropout_ratio: float = 0.5,
        aux_loss_weight: float | Mapping[str, float] = 0.0,
        loss_cls: Mapping | None = None,
        label_smooth_eps: float = 0.0,
        topk: int | Sequence[int] = (1, 5),
        average_clips: str = "prob",
        init_std: float = 0.01,
        init_cfg: dict | None = None,
    ) -> None:
        if not isinstance(in_channels, Mapping) or not in_channels:
            raise ValueError(
                "in_channels: expected the channels of each stream, such as "
                f"dict(rgb=512, audio=128), got {in_channels!r}"
            )
        if average_clips not in _AVERAGES:
            raise ValueError(
                f"average_clips is {average_clips!r}, must be one of {_AVERAGES}"
            )
        super().__init__(
            num_classes,
            dict(in_channels),
            loss_cls=dict(loss_cls or {"type": "CrossEntropyLoss"}),
            label_smooth_eps=label_smooth_eps,
            topk=topk if isinstance(topk, int) else tuple(topk),
            average_clips=average_clips,
            init_cfg=init_cfg,
        )
        self.init_std = init_std
        temporal = temporal or {"type": "LastState"}
        temporal = self._per_stream(temporal, "temporal", one="type" in temporal)
        self.temporal = ModuleDict(
            {
                name: MODELS.build(dict(temporal[name], in_channels=channels))
                for name, channels in self.in_channels.items()
            }
        )
        self.fusion = MODELS.build(
            dict(fusion or {"type": "ConcatFusion"}, in_channels=self.in_channels)
        )
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc_cls = nn.Linear(self.fusion.out_channels, num_classes)
        weights = self._per_stream(
            aux_loss_weight,
            "aux_loss_weight",
            one=not isinstance(aux_loss_weight, Mapping),
        )
        self.aux_loss_weight = {
            name: weight for name, weight in weights.items() if weight > 0
        }
        self.aux_cls = ModuleDict(
            {
                name: nn.Linear(self.in_channels[name], num_classes)
                for name in self.aux_loss_weight
            }
        )

    def _per_stream(self, value: object, argument: str, one: bool) -> dict:
        if one:
            return {name: value for name in self.in_channels}
        if set(value) != set(self.in_channels):
            raise ValueError(
                f"{argument}: expected one value for all streams or one for each of "
                f"{sorted(self.in_channels)}, got those of {sorted(value)}"
            )
        return dict(value)

    def init_weights(self) -> None:
        for layer in (self.fc_cls, *self.aux_cls.values()):
            normal_init(layer, std=self.init_std)
        super().init_weights()

    def reduce(self, feats: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``{modality: (N, T', D_m)}`` to ``{modality: (N, D_m)}``."""
        return {name: layer(feats[name]) for name, layer in self.temporal.items()}

    def fuse(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """What the classifier sees: ``{modality: (N, T', D_m)}`` to ``(N, D)``."""
        return self._fuse_reduced(self.reduce(feats), presence)

    def _fuse_reduced(
        self,
        reduced: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
    ) -> Tensor:
        steps = {name: feat[:, None] for name, feat in reduced.items()}  # (N, 1, D_m)
        return self.fusion(steps, presence)[:, 0]  # (N, D)

    def forward(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        return self.fc_cls(self.dropout(self.fuse(feats, presence)))

    def _all_scores(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        reduced = self.reduce(feats)
        fused = self.fc_cls(self.dropout(self._fuse_reduced(reduced, presence)))
        streams = {
            name: layer(self.dropout(reduced[name]))
            for name, layer in self.aux_cls.items()
        }
        return _at_least_float32(fused), {
            name: _at_least_float32(scores) for name, scores in streams.items()
        }

    def loss(
        self,
        feats: Mapping[str, Tensor],
        data_samples: Sequence,
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Losses and accuracies of a batch.

        Returns:
            ``loss_cls``, ``top{k}_acc`` (class labels only) and one
            ``loss_aux_{modality}`` for each stream with a weight.

        Raises:
            ValueError: A label does not fit; the message names the file.
        """
        fused, streams = self._all_scores(feats, presence)  # (N * M, C)
        labels = collect_labels(data_samples, self.num_classes).to(fused.device)
        clips = fused.shape[0] // len(data_samples)
        labels = labels.repeat_interleave(clips, dim=0)  # (N * M,) or (N * M, C)
        targets = smooth_labels(labels, self.num_classes, self.label_smooth_eps)

        losses = {"loss_cls": self.loss_cls(fused, targets)}
        if labels.dim() == 1:
            losses.update(self._accuracies(fused.detach(), labels))
        for name, scores in streams.items():
            if presence is not None and name in presence:
                here = presence[name]
                scores, own_targets = scores[here], targets[here]
            else:
                own_targets = targets
            # No sample has this modality: zero, but still a function of the weights.
            value = self.loss_cls(scores, own_targets) if len(scores) else scores.sum()
            losses[f"loss_aux_{name}"] = self.aux_loss_weight[name] * value
        return losses

    def _accuracies(self, scores: Tensor, labels: Tensor) -> dict[str, Tensor]:
        accuracies = {}
        for k in self.topk:
            if k < self.num_classes:
                best = scores.topk(k, dim=1).indices  # (N, k)
                hit = (best == labels[:, None]).any(dim=1)
                accuracies[f"top{k}_acc"] = hit.float().mean()
        return accuracies

    def predict(
        self,
        feats: Mapping[str, Tensor],
        data_samples: Sequence,
        presence: Mapping[str, Tensor] | None = None,
    ) -> Sequence:
        """Write predictions into ``data_samples``.

        Returns:
            ``data_samples``, with ``pred_score`` ``(num_classes,)`` and
            ``pred_label`` of all modalities together, and, if streams have
            classifiers of their own, ``stream_scores``
            ``{modality: (num_classes,)}`` of the modalities that the sample has.
        """
        fused, streams = self._all_scores(feats, presence)  # (N * M, C)
        clips = fused.shape[0] // len(data_samples)
        data_samples = self.predict_by_feat(fused, data_samples)
        if not streams:
            return data_samples
        averaged = {
            name: self.average_clip(scores, num_segs=clips)  # (N, C)
            for name, scores in streams.items()
        }
        for row, sample in enumerate(data_samples):
            own = {
                name: scores[row]
                for name, scores in averaged.items()
                if presence is None
                or name not in presence
                or bool(presence[name][row * clips])
            }
            sample.set_field(own, "stream_scores")
        return data_samples

    def _load_from_state_dict(
        self, state_dict: Mapping, prefix: str, *args: object, **kwargs: object
    ) -> None:
        weight = state_dict.get(f"{prefix}fc_cls.weight")
        if weight is not None and weight.shape[0] != self.num_classes:
            raise ValueError(
                f"the checkpoint has {weight.shape[0]} classes, but "
                f"{prefix}num_classes is {self.num_classes}; to fine-tune, load the "
                "streams only: init_cfg=dict(type='Pretrained', checkpoint=..., "
                "prefix='streams.rgb') in each stream"
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _at_least_float32(scores: Tensor) -> Tensor:
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
