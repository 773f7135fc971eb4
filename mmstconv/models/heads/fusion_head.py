"""Classification from several modalities at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from mmaction.models.heads import BaseHead
from mmaction.models.losses import CrossEntropyLoss
from mmaction.registry import MODELS
from mmengine.model import ModuleDict, normal_init
from torch import Tensor, nn

from ..layers import align_steps, at_least_float32, pool_space, to_device
from ..layers.modalities import without_left_out
from .label_kinds import check_loss, decide_multi_class, takes_sigmoids
from .labels import check_distributions, collect_labels, smooth_labels
from .operators import build_operator
from .right_answers import right_probability, top_k_accuracies
from .subsets import presence_of_subset, subsets_of, take_away

_AVERAGES = ("prob", "score")
DEFAULT_FUSION = MappingProxyType({"type": "GatedMultimodalUnit"})


@MODELS.register_module()
class TriModalFusionHead(BaseHead):
    """Reduce each stream over time, fuse, dropout, fully connected.

    Operators of three kinds fit: of features, of scores (``gives_scores``; their
    output is the answer, no fully connected layer follows), and of feature maps
    (``takes_maps``; reduced over time after fusion). See ``models/fusion``.

    Several clips of a sample are separate examples in training (each with the
    sample's label) and are averaged in testing.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of each stream.
        temporal: Config of the temporal reduction: one for all streams, or one per
            stream. None: ``dict(type='LastState')``.
        fusion: Config of the fusion operator. None: ``GatedMultimodalUnit``, which
            wants auxiliary losses (docs/fusion.md).
        fuse_steps: Fuse at so many time steps, the streams averaged onto them, and
            reduce over time afterwards. None: reduce first, fuse once.
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
        train_without: Modalities without which the samples that have them are trained
            on as well, beside with them. Each class then occurs without the modality
            as often as in the data, so that its absence says nothing of the class.
        score_subsets: Predict from every subset of the modalities as well; the
            streams run once.
        init_std: Standard deviation of the initial fully connected weights.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``feats`` ``{modality: (N * M, T', D_m)}`` of N samples with M
          clips each (maps ``(N * M, D_m, T', H', W')`` for an operator of maps),
          ``presence`` ``{modality: bool (N * M,)}``; on the host, as the recognizer
          gives it, no step waits for the device.
        - Output: ``(N * M, num_classes)``.
    """

    #: Unlike MMAction2's heads, which have the argument and make no use of it.
    decides_multi_class = True

    def __init__(
        self,
        num_classes: int,
        in_channels: Mapping[str, int],
        *,
        temporal: Mapping | None = None,
        fusion: Mapping | None = None,
        fuse_steps: int | None = None,
        dropout_ratio: float = 0.5,
        loss_weight: float = 1.0,
        aux_loss_weight: float | Mapping[str, float] = 0.0,
        multi_class: bool | None = None,
        loss_cls: Mapping | None = None,
        label_smooth_eps: float = 0.0,
        topk: int | Sequence[int] = (1, 5),
        average_clips: str = "prob",
        train_without: Sequence[str] = (),
        score_subsets: bool = False,
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
        usual_loss = "BCELossWithLogits" if multi_class else "CrossEntropyLoss"
        super().__init__(
            num_classes,
            dict(in_channels),
            loss_cls=dict(loss_cls or {"type": usual_loss}),
            label_smooth_eps=label_smooth_eps,
            topk=topk if isinstance(topk, int) else tuple(topk),
            average_clips=average_clips,
            init_cfg=init_cfg,
        )
        self.multi_class = decide_multi_class(self.loss_cls, multi_class)
        check_loss(self.loss_cls, num_classes, label_smooth_eps)
        self.init_std = init_std
        weights = self._per_stream(
            aux_loss_weight,
            "aux_loss_weight",
            one=not isinstance(aux_loss_weight, Mapping),
        )
        self.aux_loss_weight = {
            name: weight for name, weight in weights.items() if weight > 0
        }
        self.fusion = build_operator(
            fusion or DEFAULT_FUSION,
            self.in_channels,
            num_classes,
            sigmoids=takes_sigmoids(self.loss_cls, self.multi_class),
        )
        self.fuse_steps = fuse_steps
        temporal = temporal or {"type": "LastState"}
        temporal = self._per_stream(temporal, "temporal", one="type" in temporal)
        fuse_first = self.fusion.takes_maps or fuse_steps is not None
        # Layers that nothing reads would be parameters without a gradient.
        self.temporal = ModuleDict(
            {
                name: MODELS.build(dict(temporal[name], in_channels=channels))
                for name, channels in self.in_channels.items()
                if name in self.aux_loss_weight or not fuse_first
            }
        )
        self.fused_temporal: nn.Module | None = None
        if fuse_first:
            kinds = list(temporal.values())
            if any(kind != kinds[0] for kind in kinds):
                raise ValueError(
                    "temporal: what is fused before it is reduced over time needs one "
                    f"value for all streams, got {temporal}"
                )
            channels = self.fusion.out_channels
            self.fused_temporal = MODELS.build(dict(kinds[0], in_channels=channels))
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc_cls: nn.Module = nn.Identity()
        if not self.fusion.gives_scores:
            self.fc_cls = nn.Linear(self.fusion.out_channels, num_classes)
        self.loss_weight = loss_weight
        taught = without_left_out(train_without, self.in_channels)
        if isinstance(train_without, str) or set(taught) - set(self.in_channels):
            raise ValueError(
                "train_without: expected a list with some of "
                f"{sorted(self.in_channels)}, got {train_without!r}"
            )
        self.train_without = tuple(taught)
        self.score_subsets = score_subsets
        # Set by hooks that compare the streams during training.
        self.track_confidence = False
        self.confidence: dict[str, Tensor] = {}
        # An operator of scores has a classifier for each stream already.
        self.aux_cls = ModuleDict(
            {}
            if self.fusion.gives_scores
            else {
                name: nn.Linear(self.in_channels[name], num_classes)
                for name in self.aux_loss_weight
            }
        )

    def _stream_classifier(self, name: str) -> nn.Module:
        if self.fusion.gives_scores:
            return self.fusion.classifiers[name]
        return self.aux_cls[name]

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
            if isinstance(layer, nn.Linear):
                normal_init(layer, std=self.init_std)
        super().init_weights()

    def reduce(self, feats: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``{modality: (N, T', D_m)}`` (or maps) to ``{modality: (N, D_m)}``.

        Of the streams that have a classifier; of all, if they are fused after this.
        """
        reduced = {}
        for name, layer in self.temporal.items():
            feat = feats[name]
            reduced[name] = layer(pool_space(feat) if self.fusion.takes_maps else feat)
        return reduced

    def fuse(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """What the classifier sees: ``{modality: (N, T', D_m)}`` to ``(N, D)``."""
        return self._fuse(self._prepare(feats), presence)

    def _prepare(
        self,
        feats: Mapping[str, Tensor],
        reduced: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """What the operator reads."""
        if self.fusion.takes_maps:
            return dict(feats)
        if self.fuse_steps is not None:
            steps = self.fuse_steps
            return {name: align_steps(feat, steps) for name, feat in feats.items()}
        reduced = self.reduce(feats) if reduced is None else reduced
        return {name: feat[:, None] for name, feat in reduced.items()}  # (N, 1, D_m)

    def _fuse(
        self, prepared: Mapping[str, Tensor], presence: Mapping[str, Tensor] | None
    ) -> Tensor:
        fused = self.fusion(prepared, presence)  # (N, T, D)
        if self.fused_temporal is None:
            return fused[:, 0]  # (N, D)
        return self.fused_temporal(fused)  # (N, D)

    def _score(
        self, prepared: Mapping[str, Tensor], presence: Mapping[str, Tensor] | None
    ) -> Tensor:
        if self.fusion.gives_scores:  # its classifiers come first
            dropped = {name: self.dropout(feat) for name, feat in prepared.items()}
            scores = self._fuse(dropped, presence)  # (N, C)
        else:
            scores = self.fc_cls(self.dropout(self._fuse(prepared, presence)))
        return at_least_float32(scores)  # (N, C)

    def forward(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        return self._score(self._prepare(feats), presence)

    def _all_scores(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Fused scores, those of the streams, and what the operator has read."""
        reduced = self.reduce(feats)
        prepared = self._prepare(feats, reduced)
        streams = {
            name: at_least_float32(
                self._stream_classifier(name)(self.dropout(reduced[name]))
            )
            for name in self.aux_loss_weight
        }
        return self._score(prepared, presence), streams, prepared

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
        fused, streams, prepared = self._all_scores(feats, presence)  # (N * M, C)
        labels = collect_labels(data_samples, self.num_classes, self.multi_class)
        if labels.dim() == 2 and isinstance(self.loss_cls, CrossEntropyLoss):
            check_distributions(labels, data_samples)
        labels = to_device(labels, fused.device)
        clips = fused.shape[0] // len(data_samples)
        labels = labels.repeat_interleave(clips, dim=0)  # (N * M,) or (N * M, C)
        targets = smooth_labels(
            labels, self.num_classes, self.label_smooth_eps, self.multi_class
        )

        value = self._fused_loss(fused, targets, prepared, presence)
        losses = {"loss_cls": self.loss_weight * value}
        if labels.dim() == 1:
            losses.update(top_k_accuracies(fused.detach(), labels, self.topk))
        for name, scores in streams.items():
            if presence is not None and name in presence:
                here = to_device(presence[name].nonzero()[:, 0], scores.device)
                scores, own_targets = scores[here], targets[here]
            else:
                own_targets = targets
            # No sample has this modality: zero, but still a function of the weights.
            value = self.loss_cls(scores, own_targets) if len(scores) else scores.sum()
            losses[f"loss_aux_{name}"] = self.aux_loss_weight[name] * value
        if self.track_confidence:
            self.confidence = self._confidence(prepared, presence, labels)
        return losses

    def _fused_loss(
        self,
        fused: Tensor,
        targets: Tensor,
        prepared: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
    ) -> Tensor:
        """Mean over the samples as they are, and those of ``train_without`` again."""
        scores, judged = [fused], [targets]
        for name in self.train_without:
            rows, without = take_away(name, presence, fused)
            kept = {stream: feat[rows] for stream, feat in prepared.items()}
            scores.append(self._score(kept, without))
            judged.append(targets[rows])
        return self.loss_cls(torch.cat(scores), torch.cat(judged))

    @torch.no_grad()
    def _confidence(
        self,
        prepared: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
        labels: Tensor,
    ) -> dict[str, Tensor]:
        """Sum over samples of the right class's probability by each modality alone.

        Of several right classes it is their mean; a sample without any does not count.

        Returns:
            ``{modality: (2,)}``: the sum, and over how many samples.
        """
        confidence = {}
        for name in self.in_channels:
            alone = presence_of_subset((name,), self.in_channels, presence, labels)
            scores = self._score(prepared, alone)
            right, known = right_probability(scores, labels, self.multi_class)  # (N,)
            here = alone[name] & known
            confidence[name] = torch.stack([(right * here).sum(), here.sum()])
        return confidence

    def average_clip(self, cls_scores: Tensor, num_segs: int = 1) -> Tensor:
        """``(N * M, C)`` of M clips each to ``(N, C)``."""
        if self.multi_class and self.average_clips == "prob":
            return cls_scores.sigmoid().unflatten(0, (-1, num_segs)).mean(1)
        return super().average_clip(cls_scores, num_segs)

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
            With ``score_subsets`` also ``subset_scores`` ``{subset:
            (num_classes,)}``, such as ``'rgb+audio'`` or ``'none'``, and
            ``modality_weights`` ``{modality: (T,)}`` if the operator has weights.
            With ``multi_class``, the metainfo says so, and what the scores are.
        """
        fused, streams, prepared = self._all_scores(feats, presence)  # (N * M, C)
        clips = fused.shape[0] // len(data_samples)
        data_samples = self.predict_by_feat(fused, data_samples)
        if self.multi_class:
            kind = dict(multi_class=True, average_clips=self.average_clips)
            for sample in data_samples:
                sample.set_metainfo(kind)
        if self.score_subsets:
            self._predict_subsets(prepared, presence, data_samples)
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

    def _predict_subsets(
        self,
        prepared: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None,
        data_samples: Sequence,
    ) -> None:
        rows = next(iter(prepared.values()))
        clips = len(rows) // len(data_samples)
        scores = {}
        for subset, members in subsets_of(tuple(self.in_channels)):
            here = presence_of_subset(members, self.in_channels, presence, rows)
            one = self._score(prepared, here)  # (N * M, C)
            scores[subset] = self.average_clip(one, num_segs=clips)  # (N, C)
        weights = {}
        if hasattr(self.fusion, "weights"):
            for name, share in self.fusion.weights(prepared, presence).items():
                weights[name] = share.unflatten(0, (-1, clips)).mean(1)  # (N, T)
        for row, sample in enumerate(data_samples):
            own = {subset: one[row] for subset, one in scores.items()}
            sample.set_field(own, "subset_scores")
            if weights:
                own = {name: share[row] for name, share in weights.items()}
                sample.set_field(own, "modality_weights")

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
