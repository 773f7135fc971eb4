"""Streams of several modalities and one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor, nn

from ..layers import to_device
from ..layers.modalities import MODALITIES, without_left_out
from ..streams import run_present_rows
from .modality_dropout import check_rates, drop_modalities
from .presence import check_inputs, read_presence

STAGES = ("backbone", "neck", "fusion", "head")
MODES = ("tensor", "predict", "loss")


@MODELS.register_module()
class TriModalRecognizer(BaseModel):
    """RGB, flow and audio of the same instant, each through its stream, one head.

    Any subset of the three modalities works. A data sample whose metainfo has
    ``presence={'audio': False, ...}`` lacks that modality: its stream does not see
    the sample, and the head does not see the stream. Inputs of modalities without
    a stream are ignored.

    Args:
        streams: ``{modality: dict(backbone=..., neck=...)}``, arguments of
            ``ConvStream``.
        cls_head: Config of the head.
        modality_dropout: ``{modality: rate}``: in training, take a modality away from
            so many of the samples that have it. A sample keeps at least one.
        data_preprocessor: Config of the preprocessor, usually
            ``TriModalDataPreprocessor``. None: every modality is stacked and cast
            to float32.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{modality: (N, M, ...)}``: N samples, M clips each.
        - Output: see :meth:`forward`.
    """

    def __init__(
        self,
        streams: Mapping[str, Mapping],
        cls_head: Mapping,
        *,
        modality_dropout: Mapping[str, float] | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        unknown = sorted(set(streams) - set(MODALITIES))
        if unknown or not streams:
            raise ValueError(
                f"streams: expected some of {MODALITIES}, got {sorted(streams)}"
                + (f" (unknown: {unknown})" if unknown else "")
            )
        if data_preprocessor is None:
            data_preprocessor = dict(
                type="TriModalDataPreprocessor",
                preprocessors={
                    name: dict(type="ActionDataPreprocessor") for name in MODALITIES
                },
            )
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.streams = ModuleDict(
            {
                name: _build_stream(streams[name])
                for name in MODALITIES
                if name in streams
            }
        )
        self.cls_head = MODELS.build(cls_head)
        self._check_head_streams()
        rates = modality_dropout or {}
        kept = without_left_out(rates, self.streams)
        self.modality_dropout = check_rates(
            {name: rates[name] for name in kept}, self.streams
        )

    def _check_head_streams(self) -> None:
        channels = self.cls_head.in_channels
        if set(channels) != set(self.streams):
            raise ValueError(
                f"cls_head.in_channels has {sorted(channels)}, "
                f"but streams has {sorted(self.streams)}; they must be the same"
            )

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        mode: str = "tensor",
        stage: str = "head",
    ) -> dict | Sequence | Tensor:
        """The three modes of MMEngine.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            data_samples: N data samples; ``'tensor'`` can do without.
            mode: ``'tensor'``: features, see :meth:`extract_feat`. ``'loss'``: dict
                of losses. ``'predict'``: the data samples with predictions.
            stage: Of ``'tensor'``.
        """
        if mode == "tensor":
            return self.extract_feat(inputs, data_samples, stage=stage)
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, must be one of {MODES}")
        if data_samples is None:
            raise ValueError(f"mode {mode!r} needs data_samples")
        if mode == "loss":
            return self.loss(inputs, data_samples)
        return self.predict(inputs, data_samples)

    def loss(self, inputs: Mapping[str, Tensor], data_samples: Sequence) -> dict:
        """Losses of the head, and of necks that have their own."""
        feats, presence, loss_aux = self._run_streams(
            inputs, data_samples, training=True
        )
        losses = self.cls_head.loss(feats, data_samples, presence=presence)
        return {**losses, **loss_aux}

    def predict(self, inputs: Mapping[str, Tensor], data_samples: Sequence) -> Sequence:
        """The data samples, with predictions written into them."""
        feats, presence, _ = self._run_streams(inputs, data_samples)
        return self.cls_head.predict(feats, data_samples, presence=presence)

    def extract_feat(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        stage: str = "neck",
    ) -> dict[str, Tensor] | Tensor:
        """Features after a given stage.

        Args:
            inputs: ``{modality: (N, M, ...)}``.
            data_samples: N data samples; without them everything is present.
            stage: ``'backbone'``: ``{modality: (K, C', T', H', W')}`` of the K of
                N * M clips that have the modality; left out if none has.
                ``'neck'``: ``{modality: (N * M, T', D)}``; maps ``(N * M, C', T', H',
                W')`` if the head's operator fuses those.
                ``'fusion'``: ``(N * M, D)``.
                ``'head'``: logits ``(N * M, num_classes)``.
        """
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}, must be one of {STAGES}")
        if stage == "backbone":
            return self._run_backbones(inputs, data_samples)
        feats, presence, _ = self._run_streams(inputs, data_samples)
        if stage == "neck":
            return feats
        if stage == "fusion":
            return self.cls_head.fuse(feats, presence)
        return self.cls_head(feats, presence)

    def _run_backbones(
        self, inputs: Mapping[str, Tensor], data_samples: Sequence | None
    ) -> dict[str, Tensor]:
        samples, clips = check_inputs(inputs, self.streams, data_samples)
        present = read_presence(data_samples, self.streams, samples, clips)
        feats = {}
        for name, stream in self.streams.items():
            if any(present[name]):
                x = inputs[name].flatten(0, 1)  # (N * M, ...)
                rows = [row for row, here in enumerate(present[name]) if here]
                feats[name] = stream.backbone(x[to_device(rows, x.device)])  # (K, ...)
        return feats

    def _run_streams(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None,
        training: bool = False,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        samples, clips = check_inputs(inputs, self.streams, data_samples)
        present = read_presence(data_samples, self.streams, samples, clips)
        per_clip = None
        if training:
            present = drop_modalities(present, self.modality_dropout, clips)
            per_clip = [sample for sample in data_samples for _ in range(clips)]
        maps = self.cls_head.fusion.takes_maps
        feats, presence, losses = {}, {}, {}
        for name, stream in self.streams.items():
            x = inputs[name].flatten(0, 1)  # (N * M, ...)
            channels = self.cls_head.in_channels[name]
            feat, loss_aux = run_present_rows(
                stream, x, present[name], channels, per_clip, maps=maps
            )  # (N * M, T', D), or maps (N * M, C', T', H', W')
            given = feat.shape[1 if maps else -1]
            if given != channels:
                raise ValueError(
                    f"stream {name!r} gives {given} channels, "
                    f"but cls_head.in_channels[{name!r}] is {channels}"
                )
            feats[name] = feat
            presence[name] = torch.tensor(present[name])  # (N * M,), on the host
            losses.update({f"{key}_{name}": loss for key, loss in loss_aux.items()})
        return feats, presence, losses


def _build_stream(cfg: Mapping | nn.Module) -> nn.Module:
    if isinstance(cfg, nn.Module):
        return cfg
    return MODELS.build({"type": "ConvStream", **cfg})
