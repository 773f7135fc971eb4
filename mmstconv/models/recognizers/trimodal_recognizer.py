"""Streams of several modalities, the joint between them, and one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor, nn

from ...modalities import MODALITIES, in_order
from ..joint import Features, Fused, Steps
from ..layers import to_device
from ..streams import run_present_rows
from .batch import check_inputs, read_presence, read_windows
from .building import (
    build_preprocessor,
    build_stream,
    build_task,
    plain_preprocessor,
)
from .cached import features_of_steps, step_counts
from .modality_dropout import check_rates, drop_modalities

STAGES = ("backbone", "neck", "steps", "fusion", "head")
MODES = ("tensor", "predict", "loss")


@MODELS.register_module()
class TriModalRecognizer(BaseModel):
    """RGB, flow and audio of the same instant, each through its stream, one head.

    Any set of modalities works: mmstconv loads these three, any other name is a
    modality of the user's own. A data sample whose metainfo has
    ``presence={'audio': False, ...}`` lacks that modality: its stream does not see
    the sample, and the head does not see the stream. Inputs of modalities without
    a stream are ignored.

    The head gets a :class:`Fused`, and nothing else. It is built with ``in_channels``,
    the width of what it reads, and says by a class attribute what that is:
    ``over_time``, ``'steps'`` or ``'vector'``. One that reads streams, too, says by a
    class method ``needs(cfg, stream_channels)`` what it asks of the joint, and is built
    with ``stream_channels`` and ``gives_scores``.

    Args:
        streams: ``{modality: dict(backbone=..., neck=...)}``, arguments of
            ``ConvStream``.
        cls_head: Config of the head, whatever its task; the name is the one that
            MMAction2's tools look for.
        joint: Config of the :class:`Joint`. None: its defaults.
        modality_dropout: ``{modality: rate}``: in training, take a modality away from
            so many of the samples that have it. A sample keeps at least one.
        cached_steps: Whether joint and head learn from cached steps of videos
            (``PackFilmSteps``). The streams stay in the model, frozen: they do not run
            on such steps, but do on clips.
        data_preprocessor: Config of the preprocessor, usually
            ``TriModalDataPreprocessor``. None: every modality is stacked and cast
            to float32.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{modality: (N, M, ...)}``: N samples, M clips each.
        - Output: see :meth:`forward`.

    Raises:
        ValueError: The parts do not fit each other; names the key of the config.
    """

    def __init__(
        self,
        streams: Mapping[str, Mapping],
        cls_head: Mapping,
        *,
        joint: Mapping | None = None,
        modality_dropout: Mapping[str, float] | None = None,
        cached_steps: bool = False,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not streams:
            raise ValueError("streams: expected at least one modality, got none")
        names = in_order(streams)
        if data_preprocessor is None:
            data_preprocessor = plain_preprocessor([*MODALITIES, *names])
        if isinstance(data_preprocessor, dict):
            data_preprocessor = build_preprocessor(data_preprocessor, cls_head)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        known = {*MODALITIES, *getattr(data_preprocessor, "preprocessors", ())}
        self.streams = ModuleDict({name: build_stream(streams[name]) for name in names})
        self.joint, self.cls_head = build_task(
            self.streams, joint or {}, cls_head, known
        )
        self.modality_dropout = check_rates(modality_dropout, self.streams, known)
        self.cached_steps = bool(cached_steps)
        if cached_steps and self.joint.takes_maps:
            raise ValueError(
                "cached_steps: the joint's operator fuses maps of the streams, which "
                "are not cached; take ConcatFusion or GatedMultimodalUnit"
            )
        if cached_steps:
            self.streams.requires_grad_(False)

    def train(self, mode: bool = True) -> TriModalRecognizer:
        super().train(mode)
        if self.cached_steps:
            self.streams.eval()
        return self

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        mode: str = "tensor",
        stage: str = "head",
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict | Sequence | Tensor | Steps:
        """The three modes of MMEngine.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            data_samples: N data samples; ``'tensor'`` can do without.
            mode: ``'tensor'``: features, see :meth:`extract_feat`. ``'loss'``: dict
                of losses. ``'predict'``: the data samples with predictions.
            stage: Of ``'tensor'``.
            presence: Of ``'tensor'``.
        """
        if mode == "tensor":
            return self.extract_feat(inputs, data_samples, stage, presence)
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, must be one of {MODES}")
        if data_samples is None:
            raise ValueError(f"mode {mode!r} needs data_samples")
        if mode == "loss":
            return self.loss(inputs, data_samples)
        return self.predict(inputs, data_samples)

    def loss(self, inputs: Mapping[str, Tensor], data_samples: Sequence) -> dict:
        """Losses of the head, and of necks that have their own."""
        samples, clips = check_inputs(inputs, self.streams, data_samples)
        presence = read_presence(data_samples, self.streams, samples, clips)
        presence = drop_modalities(presence, self.modality_dropout, clips)
        per_clip = [sample for sample in data_samples for _ in range(clips)]
        window = read_windows(data_samples, clips)
        counts = self._cached(data_samples)
        if counts is not None:
            features, loss_aux = self._from_cache(inputs, presence, window, counts), {}
        else:
            features, loss_aux = self.run_streams(inputs, presence, window, per_clip)
        return {**self.cls_head.loss(self.joint(features), data_samples), **loss_aux}

    def predict(self, inputs: Mapping[str, Tensor], data_samples: Sequence) -> Sequence:
        """The data samples, with predictions written into them."""
        return self.cls_head.predict(self.fuse(inputs, data_samples), data_samples)

    def fuse(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        presence: Mapping[str, Tensor] | None = None,
    ) -> Fused:
        """What the head reads of a batch.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            data_samples: N data samples; without them everything is present.
            presence: ``{modality: bool (N * M,)}``, instead of the data samples'.
        """
        samples, clips = check_inputs(inputs, self.streams, data_samples)
        if presence is None:
            presence = read_presence(data_samples, self.streams, samples, clips)
        window = read_windows(data_samples, clips)
        counts = self._cached(data_samples)
        if counts is not None:
            return self.joint(self._from_cache(inputs, presence, window, counts))
        features, _ = self.run_streams(inputs, presence, window)
        return self.joint(features)

    def _cached(self, data_samples: Sequence | None) -> list[int] | None:
        """Real steps of each sample if these are cached steps; None: they are clips."""
        counts = step_counts(data_samples)
        if counts is not None and not self.cached_steps:
            raise ValueError(
                "the inputs are cached steps, but the model is built for clips: write "
                "model=dict(cached_steps=True)"
            )
        return counts

    def _from_cache(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        window: Tensor | None,
        counts: Sequence[int],
    ) -> Features:
        widths = self.joint.in_channels
        return features_of_steps(inputs, presence, window, counts, widths)

    def extract_feat(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        stage: str = "neck",
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor] | Tensor | Steps:
        """Features after a given stage.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            data_samples: N data samples; without them everything is present.
            stage: ``'backbone'``: ``{modality: (K, C', T', H', W')}`` of the K of
                N * M clips that have the modality; left out if none has.
                ``'neck'``: ``{modality: (N * M, T', D)}``; maps ``(N * M, C', T', H',
                W')`` if the joint's operator fuses those.
                ``'steps'``: :class:`Steps`: fused ``(N * M, T, D)``, with presence, and
                the seconds of each step where the data samples say when clips begin
                (``clip_starts`` and ``clip_duration`` in the metainfo).
                ``'fusion'``: ``(N * M, D)``.
                ``'head'``: what the head gives without decoding it; logits
                ``(N * M, num_classes)``.
            presence: ``{modality: bool (N * M,)}``, instead of the data samples'.
        """
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}, must be one of {STAGES}")
        if stage == "backbone":
            return self._run_backbones(inputs, data_samples)
        fused = self.fuse(inputs, data_samples, presence)
        if stage == "neck":
            return dict(fused.features.feats)
        if stage == "steps":
            return fused.as_steps()
        return fused.vector if stage == "fusion" else self.cls_head(fused)

    def _run_backbones(
        self, inputs: Mapping[str, Tensor], data_samples: Sequence | None
    ) -> dict[str, Tensor]:
        samples, clips = check_inputs(inputs, self.streams, data_samples)
        presence = read_presence(data_samples, self.streams, samples, clips)
        feats = {}
        for name, stream in self.streams.items():
            if presence[name].any():
                x = inputs[name].flatten(0, 1)  # (N * M, ...)
                rows = to_device(presence[name].nonzero()[:, 0], x.device)
                feats[name] = stream.backbone(x[rows])  # (K, ...)
        return feats

    def run_streams(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        window: Tensor | None = None,
        data_samples: Sequence | None = None,
    ) -> tuple[Features, dict[str, Tensor]]:
        """Features of the streams, and losses of necks that have their own.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            presence: ``{modality: bool (N * M,)}``, on the host.
            window: Begin and end of each clip in seconds, ``(N * M, 2)``.
            data_samples: N * M, for necks with losses.
        """
        maps = self.joint.takes_maps
        feats, grids, losses = {}, {}, {}
        for name, stream in self.streams.items():
            x = inputs[name].flatten(0, 1)  # (N * M, ...)
            channels = self.joint.in_channels[name]
            feat, loss_aux = run_present_rows(
                stream, x, presence[name], channels, data_samples, maps=maps
            )  # (N * M, T', D), or maps (N * M, C', T', H', W')
            given = feat.shape[1 if maps else -1]
            if given != channels:
                raise ValueError(
                    f"stream {name!r} gives {given} channels, "
                    f"but joint.in_channels[{name!r}] is {channels}"
                )
            feats[name] = feat
            if hasattr(stream, "step_grid"):
                grids[name] = stream.step_grid(x.shape[2])
            losses.update({f"{key}_{name}": loss for key, loss in loss_aux.items()})
        return Features(feats, presence, window=window, grids=grids), losses
