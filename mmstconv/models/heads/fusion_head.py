"""Classification from several modalities at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from mmengine.model import ModuleDict, normal_init
from torch import Tensor, nn

from ...private_names import uses_private
from ..layers import at_least_float32, to_device
from .label_kinds import (
    check_class_count,
    check_loss,
    check_targets,
    decide_multi_class,
    loss_config,
    takes_sigmoids,
)
from .labels import collect_labels, smooth_labels
from .predictions import write_by_sample, write_kind, write_subsets
from .right_answers import confidence_alone, top_k_accuracies
from .stream_options import stream_weights, taught_without
from .temperature import at_temperature, check_temperature

if TYPE_CHECKING:
    from ..joint import Fused

_AVERAGES = ("prob", "score")
DROPOUT = 0.5


@MODELS.register_module()
@uses_private("_load_from_state_dict")
class TriModalFusionHead(BaseHead):
    """Dropout, fully connected: the class of a clip from what the joint has fused.

    Where the joint's operator is one of scores (``gives_scores``), its output is the
    answer and no fully connected layer follows.

    Several clips of a sample are separate examples in training (each with the
    sample's label) and are averaged in testing.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the joint's output; the recognizer says it.
        stream_channels: Channels of each stream, ``{modality: D_m}``; the recognizer
            says it.
        gives_scores: Whether the joint's operator is one of scores; the recognizer
            says it.
        loss_weight: Weight of the loss on the fused scores.
        dropout_ratio: Dropout before the fully connected layers.
        aux_loss_weight: Weight of a loss on each stream alone, one for all streams
            or one per stream. A stream with a weight has a classifier of its own;
            its loss is the mean over the samples in which it is present.
        multi_class: A sample may have several classes, or none: scores are made
            probabilities by a sigmoid each, not by a softmax of all. None: as
            ``loss_cls`` takes them.
        loss_cls: Config of the loss. None: ``dict(type='CrossEntropyLoss')``, with
            ``multi_class=True`` ``dict(type='BCELossWithLogits')``.
        label_smooth_eps: Label smoothing: this share of each label goes to all
            classes alike; with ``multi_class`` of each yes or no to both alike.
        topk: Training accuracies to log. Those of ``num_classes`` and above are
            left out: they are always 1.
        average_clips: Average ``'prob'`` (softmax; sigmoid with ``multi_class``) or
            ``'score'`` over clips.
        temperature: What predictions, averaged over clips, are divided by as
            log-probabilities or scores; ``tools/analysis/calibrate.py`` fits it. Of
            the joint and its subsets; neither losses nor streams' classifiers see it.
        train_without: Modalities: samples that have one of them are trained on a
            second time without it. Each class then occurs without the modality as
            often as in the data, so that its absence says nothing of the class.
        score_subsets: Predict from every subset of the modalities as well; the
            streams run once.
        init_std: Standard deviation of the initial fully connected weights.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N * M clips, M of each sample.
        - Output: ``(N * M, num_classes)``.

    Raises:
        ValueError: An argument does not fit another, or the streams.
    """

    over_time = "vector"
    truth = "gt_label"
    #: ``multi_class`` decides what scores are; MMAction2's heads ignore theirs.
    decides_multi_class = True

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        stream_channels: Mapping[str, int],
        *,
        gives_scores: bool = False,
        dropout_ratio: float = DROPOUT,
        loss_weight: float = 1.0,
        aux_loss_weight: float | Mapping[str, float] = 0.0,
        multi_class: bool | None = None,
        loss_cls: Mapping | None = None,
        label_smooth_eps: float = 0.0,
        topk: int | Sequence[int] = (1, 5),
        average_clips: str = "prob",
        temperature: float = 1.0,
        train_without: Sequence[str] = (),
        score_subsets: bool = False,
        init_std: float = 0.01,
        init_cfg: dict | None = None,
    ) -> None:
        if not isinstance(stream_channels, Mapping) or not stream_channels:
            raise ValueError(
                "stream_channels: expected the channels of each stream, such as "
                f"dict(rgb=512, audio=128), got {stream_channels!r}"
            )
        if average_clips not in _AVERAGES:
            raise ValueError(
                f"average_clips is {average_clips!r}, must be one of {_AVERAGES}"
            )
        super().__init__(
            num_classes,
            in_channels,
            loss_cls=loss_config(loss_cls, multi_class),
            label_smooth_eps=label_smooth_eps,
            topk=topk if isinstance(topk, int) else tuple(topk),
            average_clips=average_clips,
            init_cfg=init_cfg,
        )
        self.multi_class = decide_multi_class(self.loss_cls, multi_class)
        self.temperature = check_temperature(temperature, self.multi_class)
        check_loss(self.loss_cls, num_classes, label_smooth_eps)
        self.stream_channels = dict(stream_channels)
        self.gives_scores = gives_scores
        self.init_std = init_std
        self.aux_loss_weight = stream_weights(aux_loss_weight, stream_channels)
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc_cls: nn.Module = nn.Identity()
        if not gives_scores:
            self.fc_cls = nn.Linear(in_channels, num_classes)
        self.loss_weight = loss_weight
        self.train_without = taught_without(train_without, stream_channels)
        self.score_subsets = score_subsets
        # Set by hooks that compare the streams during training.
        self.track_confidence, self.confidence = False, dict[str, Tensor]()
        # An operator of scores has a classifier for each stream already.
        own = () if gives_scores else self.aux_loss_weight
        self.aux_cls = ModuleDict(
            {name: nn.Linear(stream_channels[name], num_classes) for name in own}
        )

    @classmethod
    def needs(cls, cfg: Mapping, stream_channels: Mapping[str, int]) -> dict:
        """What the joint has to give this head, as arguments of the joint.

        Args:
            cfg: Of the head.
            stream_channels: ``{modality: D_m}``.
        """
        multi_class = cfg.get("multi_class")
        loss = MODELS.build(loss_config(cfg.get("loss_cls"), multi_class))
        several = decide_multi_class(loss, multi_class)
        weights = stream_weights(cfg.get("aux_loss_weight", 0.0), stream_channels)
        return dict(
            reads_streams=tuple(weights),
            scores=dict(
                num_classes=cfg["num_classes"],
                sigmoids=takes_sigmoids(loss, several),
                dropout=cfg.get("dropout_ratio", DROPOUT),
            ),
        )

    def init_weights(self) -> None:
        for layer in (self.fc_cls, *self.aux_cls.values()):
            if isinstance(layer, nn.Linear):
                normal_init(layer, std=self.init_std)
        super().init_weights()

    def forward(self, fused: Fused) -> Tensor:
        if self.gives_scores:
            return at_least_float32(fused.vector)  # (N * M, C)
        return at_least_float32(self.fc_cls(self.dropout(fused.vector)))  # (N * M, C)

    def score_streams(self, fused: Fused) -> dict[str, Tensor]:
        """``{modality: (N * M, C)}`` of the streams that have a classifier."""
        own = fused.stream_classifiers if self.gives_scores else self.aux_cls
        return {
            name: at_least_float32(own[name](self.dropout(fused.streams[name])))
            for name in self.aux_loss_weight
        }

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses and accuracies of a batch.

        Args:
            fused: N * M clips.
            data_samples: N data samples.

        Returns:
            ``loss_cls``, ``top{k}_acc`` (one class a sample; of a soft label its
            largest) and one ``loss_aux_{modality}`` for each stream with a weight.

        Raises:
            ValueError: A label does not fit; the message names the file.
        """
        streams, scores = self.score_streams(fused), self(fused)
        labels = collect_labels(data_samples, self.num_classes, self.multi_class)
        check_targets(self.loss_cls, labels, data_samples)
        labels = to_device(labels, scores.device)
        clips = scores.shape[0] // len(data_samples)
        labels = labels.repeat_interleave(clips, dim=0)  # (N * M,) or (N * M, C)
        targets = smooth_labels(
            labels, self.num_classes, self.label_smooth_eps, self.multi_class
        )
        value = self._fused_loss(fused, scores, targets)
        losses = {"loss_cls": self.loss_weight * value}
        if not self.multi_class:
            classes = labels if labels.dim() == 1 else labels.argmax(dim=1)
            losses.update(top_k_accuracies(scores.detach(), classes, self.topk))
        for name, own in streams.items():
            value = self._stream_loss(own, targets, fused.presence.get(name))
            losses[f"loss_aux_{name}"] = self.aux_loss_weight[name] * value
        if self.track_confidence:
            self.confidence = self._confidence(fused, labels)
        return losses

    def _fused_loss(self, fused: Fused, scores: Tensor, targets: Tensor) -> Tensor:
        """Mean over the samples as they are, and those of ``train_without`` again."""
        all_scores, judged = [scores], [targets]
        for name in self.train_without:
            rows, without = fused.without(name)
            all_scores.append(self(without))
            judged.append(targets[rows])
        return self.loss_cls(torch.cat(all_scores), torch.cat(judged))

    def _stream_loss(
        self, scores: Tensor, targets: Tensor, present: Tensor | None
    ) -> Tensor:
        """Mean over the samples that have the modality."""
        if present is not None:
            here = to_device(present.nonzero()[:, 0], scores.device)
            scores, targets = scores[here], targets[here]
        # No sample has this modality: a zero that gives every weight a zero gradient.
        return self.loss_cls(scores, targets) if len(scores) else scores.sum()

    def _confidence(self, fused: Fused, labels: Tensor) -> dict[str, Tensor]:
        """Of each modality alone, see :func:`confidence_alone`."""
        return confidence_alone(self, fused, labels, self.multi_class)

    def average_clip(self, cls_scores: Tensor, num_segs: int = 1) -> Tensor:
        """``(N * M, C)`` of M clips each to ``(N, C)``, at the temperature."""
        averaged = self._average(cls_scores, num_segs)
        return at_temperature(averaged, self.temperature, self.average_clips)

    def _average(self, cls_scores: Tensor, clips: int) -> Tensor:
        if self.multi_class and self.average_clips == "prob":
            return cls_scores.sigmoid().unflatten(0, (-1, clips)).mean(1)
        return super().average_clip(cls_scores, clips)

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """Write predictions into ``data_samples``.

        Returns:
            ``data_samples``, with ``pred_score`` ``(num_classes,)`` and
            ``pred_label`` of all modalities together, and, if streams have
            classifiers of their own, ``stream_scores``
            ``{modality: (num_classes,)}`` of the modalities that the sample has.
            With ``score_subsets`` also ``subset_scores`` ``{subset:
            (num_classes,)}``, such as ``'rgb+audio'`` or ``'none'``, and
            ``modality_weights`` ``{modality: (T,)}`` if the operator has weights.
            With ``multi_class``, the metainfo says so, and what the scores are; with
            a ``temperature`` other than 1, its value.
        """
        streams, scores = self.score_streams(fused), self(fused)  # (N * M, C)
        clips = scores.shape[0] // len(data_samples)
        data_samples = self.predict_by_feat(scores, data_samples)
        write_kind(data_samples, self)
        if self.score_subsets:
            subsets = {
                name: self.average_clip(self(one), num_segs=clips)  # (N, C)
                for name, one in fused.subsets()
            }
            write_subsets(data_samples, subsets, fused.weights())
        if streams:
            averaged = {
                name: self._average(own, clips)  # (N, C)
                for name, own in streams.items()
            }
            write_by_sample(data_samples, "stream_scores", averaged, fused.presence)
        return data_samples

    def _load_from_state_dict(
        self, state_dict: Mapping, prefix: str, *args: object, **kwargs: object
    ) -> None:
        check_class_count(state_dict, prefix, self.num_classes)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
