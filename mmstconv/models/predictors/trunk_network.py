"""Stages of our streams, a translator over time, and moved pictures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from ...modalities import in_order
from ..layers import align_steps, to_device
from ..recognizers.building import build_stream
from ..streams import run_present_rows
from .decoder import MotionDecoder
from .translators import Condition


@MODELS.register_module()
class TrunkFrameNetwork(BaseModule):
    """Forecasts frames as the last seen one, moved and mended.

    The streams of pictures (frames, flow) keep their maps, with all time steps and as
    much of their resolution as their stages leave. A translator turns these into
    features of frames to come; other streams (sound) change what it does by FiLM where
    they are present. The decoder reads from each feature how everything has moved and
    what has to be added.

    Args:
        streams: ``{modality: dict(backbone=...)}`` of pictures, arguments of
            ``ConvStream``; ``rgb`` is among them. Backbones keep time.
        conditions: The same of modalities without pictures, with their necks.
        translator: Config of what goes from seen to coming features.
        seen: Frames that it reads. Of longer inputs it reads the last ones, shorter
            ones begin with their first frame several times.
        future: Frames that it forecasts.
        channels: Of a frame to come: 3, or 1 for grey. Grey ones are forecast from the
            luma of the seen ones.
        feature_channels: Of a frame to come, between translator and decoder.
        motions: Ways that a pixel may have gone, blended by how likely they are.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{modality: (N, ...)}``, frames ``(N, 3, T, H, W)`` in 0..1, and
          ``{modality: bool (N,)}``.
        - Output: ``(N, channels, future, H, W)``.

    Raises:
        ValueError: There is no stream ``rgb``, a backbone shortens time or does not
            say its width, or the frames' size cannot be divided by its strides.
    """

    pictures = "rgb"

    def __init__(
        self,
        streams: Mapping[str, Mapping],
        translator: Mapping,
        *,
        seen: int,
        future: int,
        conditions: Mapping[str, Mapping] | None = None,
        channels: int = 3,
        feature_channels: int = 32,
        motions: int = 2,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if self.pictures not in streams:
            raise ValueError(
                f"TrunkFrameNetwork: streams must have 'rgb', got {sorted(streams)}"
            )
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {channels}")
        self.seen, self.future, self.channels = seen, future, channels
        self.streams = _built(streams)
        self.conditions = _built(conditions or {})
        self.translator = MODELS.build(
            dict(
                translator,
                in_channels=sum(one.out_channels for one in self.streams.values()),
                out_channels=feature_channels,
                seen=seen,
                future=future,
                conditions={k: v.out_channels for k, v in self.conditions.items()},
            )
        )
        self.decoder = MotionDecoder(feature_channels, channels, motions)

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(in_order([*self.streams, *self.conditions]))

    def forward(
        self, inputs: Mapping[str, Tensor], presence: Mapping[str, Tensor]
    ) -> Tensor:
        frames = inputs[self.pictures]
        maps = self._read_pictures(inputs, presence, frames)
        said = {
            name: self._read_condition(name, inputs[name], presence[name])
            for name in self.conditions
        }
        coming = self.translator(maps, said)  # (N, future, feature_channels, h, w)
        here = to_device(presence[self.pictures], frames.device)
        last = as_channels(frames[:, :, -1], self.channels)  # (N, channels, H, W)
        last = torch.where(here[:, None, None, None], last, last.new_zeros(()))
        return self.decoder(coming, last).transpose(1, 2)

    def _read_pictures(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        frames: Tensor,
    ) -> Tensor:
        """Maps of all streams, ``(N, seen, C, h, w)``."""
        maps = []
        for name, stream in self.streams.items():
            x = last_frames(inputs[name], self.seen)
            feat, _ = run_present_rows(
                stream, x, presence[name], stream.out_channels, maps=True
            )  # (N, C, T, h, w)
            if feat.shape[2] not in (1, self.seen):
                raise ValueError(
                    f"streams.{name}: the backbone makes {feat.shape[2]} steps of "
                    f"{self.seen} frames: leave out temporal strides and pooling"
                )
            maps.append(feat.expand(-1, -1, self.seen, -1, -1))
        size = max(one.shape[-2:] for one in maps)
        if size == (1, 1):  # no sample has pictures
            size = tuple(-(-side // 4) for side in frames.shape[-2:])
        maps = [one if one.shape[-2:] == size else resized(one, size) for one in maps]
        return torch.cat(maps, dim=1).transpose(1, 2)

    def _read_condition(self, name: str, x: Tensor, present: Tensor) -> Condition:
        stream = self.conditions[name]
        feat, _ = run_present_rows(stream, x, present, stream.out_channels)
        steps = align_steps(feat, self.seen)  # (N, seen, D)
        return Condition(steps, to_device(present, steps.device).to(steps.dtype))


def last_frames(x: Tensor, count: int) -> Tensor:
    """The last ``count`` of ``(N, C, T, H, W)``; the first one stands for missing ones.

    A first frame that stands still is what a shorter film would have shown.
    """
    missing = count - x.shape[2]
    if missing > 0:
        first = x[:, :, :1].expand(-1, -1, missing, -1, -1)
        return torch.cat([first, x], dim=2)
    return x[:, :, -count:]


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, C, T, h, w)`` to another height and width."""
    return F.interpolate(x, (x.shape[2], *size), mode="nearest")


def as_channels(frames: Tensor, channels: int) -> Tensor:
    """RGB ``(N, 3, ...)`` as it is, or its luma (BT.601) ``(N, 1, ...)``."""
    if frames.shape[1] == channels:
        return frames
    weight = frames.new_tensor([0.299, 0.587, 0.114])
    return torch.tensordot(weight, frames, dims=([0], [1]))[:, None]


def _built(streams: Mapping[str, Mapping | nn.Module]) -> ModuleDict:
    built = ModuleDict()
    for name in in_order(streams):
        built[name] = build_stream(streams[name])
        if built[name].out_channels is None:
            raise ValueError(f"streams.{name} does not say how many channels it gives")
    return built
