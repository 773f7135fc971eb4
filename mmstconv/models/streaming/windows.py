"""Overlapping windows of one long input, scored without computing anything twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ..backbones import STConvNet
from ..joint import Features, Fused
from ..streams import ConvStream, run_present_rows
from .trunk import StreamedTrunk


class SharedMaps:
    """A backbone's steps, each computed once; windows are cut out of them.

    Args:
        backbone: An ``STConvNet`` with ``temporal_padding=False``.
        frames: Of a window.
    """

    def __init__(self, backbone: STConvNet, frames: int) -> None:
        self.trunk = StreamedTrunk(backbone)
        self.stride = self.trunk.stride
        self.steps = self.trunk.steps_in(frames)
        covered = (self.trunk.reach - self.stride) / 2 + self.steps * self.stride
        self.margin = frames - covered
        if self.steps < 1:
            raise ValueError(
                f"a window of {frames} frames leaves no step: without padding over "
                f"time one step sees {self.trunk.reach} frames"
            )
        self.reset()

    def reset(self) -> None:
        self.trunk.reset()
        self.first = 0  # number of the first step that is held
        self.maps: Tensor | None = None

    def push(self, x: Tensor) -> None:
        maps = self.trunk(x)
        if maps is not None:
            old = self.maps
            self.maps = maps if old is None else torch.cat([old, maps], dim=2)

    def window(self, frame: int) -> Tensor:
        start = frame // self.stride - self.first
        return self.maps[:, :, start : start + self.steps]

    def forget(self, frame: int) -> None:
        """Drop what windows from this frame on do not need."""
        drop = frame // self.stride - self.first
        if self.maps is not None and drop > 0:
            self.first += min(drop, self.maps.shape[2])
            self.maps = self.maps[:, :, drop:].clone()


class RecomputedMaps:
    """A backbone that pads time, or that is not ours: run anew on every window.

    Args:
        backbone: Any 3D backbone.
        frames: Of a window.
    """

    stride = 1
    margin = 0.0

    def __init__(self, backbone: nn.Module, frames: int) -> None:
        self.backbone = backbone
        self.frames = frames
        self.reset()

    def reset(self) -> None:
        self.first = 0  # number of the first frame that is held
        self.input: Tensor | None = None

    def push(self, x: Tensor) -> None:
        old = self.input
        self.input = x if old is None else torch.cat([old, x], dim=2)

    def window(self, frame: int) -> Tensor:
        start = frame - self.first
        return self.backbone(self.input[:, :, start : start + self.frames])

    def forget(self, frame: int) -> None:
        """Drop what windows from this frame on do not need."""
        drop = frame - self.first
        if self.input is not None and drop > 0:
            self.first += min(drop, self.input.shape[2])
            self.input = self.input[:, :, drop:].clone()


class WindowScorer:
    """A recognizer that is fed a video piece by piece and reads windows of it.

    Streams whose ``STConvNet`` has ``temporal_padding=False`` compute each step once
    for all windows that see it; others run on every window. Necks, joint and head, and
    the streams of what is no sequence of frames, run on every window: they are small.
    What a window gives equals what the recognizer gives on it alone.

    Args:
        model: A ``TriModalRecognizer`` in evaluation mode, with any head. Trunks that
            are shared are copied as they are now.
        frames: Of a window.
        visual: Modalities that come as frames; the others come window by window.

    Raises:
        ValueError: A window is too short for the model.
    """

    def __init__(self, model: nn.Module, frames: int, visual: Sequence[str]) -> None:
        self.model = model
        self.frames = frames
        self.maps: dict[str, SharedMaps | RecomputedMaps] = {}
        for name, stream in model.streams.items():
            if name not in visual:
                continue
            backbone = getattr(stream, "backbone", None)
            if not isinstance(stream, ConvStream):
                raise ValueError(
                    f"stream {name!r}: expected a ConvStream, got "
                    f"{type(stream).__name__}"
                )
            unpadded = isinstance(backbone, STConvNet) and not backbone.temporal_padding
            kind = SharedMaps if unpadded else RecomputedMaps
            self.maps[name] = kind(backbone, frames)

    @property
    def stride(self) -> int:
        """Frames between two windows that can be read: those of the widest stride."""
        # strides are products of those of pooling; the widest is a multiple of others
        return max((maps.stride for maps in self.maps.values()), default=1)

    @property
    def margin(self) -> float:
        """Frames at the end of a window that no step of some stream covers."""
        return max((maps.margin for maps in self.maps.values()), default=0.0)

    @property
    def shares(self) -> dict[str, bool]:
        """Which streams compute each step once."""
        return {name: isinstance(m, SharedMaps) for name, m in self.maps.items()}

    def reset(self) -> None:
        """Begin another video."""
        for maps in self.maps.values():
            maps.reset()

    @torch.inference_mode()
    def push(self, inputs: Mapping[str, Tensor]) -> None:
        """Take further frames.

        Args:
            inputs: ``{modality: (M, C, t, H, W)}``, normalised; M crops.
        """
        for name, maps in self.maps.items():
            if name in inputs:
                maps.push(inputs[name])

    @torch.inference_mode()
    def fuse(
        self,
        first_frames: Sequence[int],
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, bool],
        crops: int = 1,
        seconds: Sequence[tuple[float, float]] | None = None,
    ) -> Fused:
        """What the head reads of windows all of whose frames have been pushed.

        Args:
            first_frames: Number of each window's first frame, multiples of ``stride``.
            inputs: ``{modality: (windows, ...)}`` of those that come window by window,
                normalised; absent ones may be missing.
            presence: Whether the video has each modality.
            crops: M of :meth:`push`.
            seconds: Begin and end of each window.

        Returns:
            Of ``windows * M`` rows, crops innermost.
        """
        rows = len(first_frames) * crops
        joint, device = self.model.joint, next(self.model.parameters()).device
        feats, present, grids = {}, {}, {}
        for name, stream in self.model.streams.items():
            here = presence.get(name, True)
            present[name] = torch.full((rows,), here)
            if not here:
                feats[name] = self._absent(name, rows, device)
                continue
            if name in self.maps:
                windows = [self.maps[name].window(frame) for frame in first_frames]
                maps = torch.cat(windows)  # (windows * M, C', T', H', W')
                grids[name] = stream.step_grid(self.frames)
            else:
                x = inputs[name]  # (windows, ...)
                maps = stream.backbone(x)  # (windows, C', L')
                maps = maps.repeat_interleave(crops, dim=0)  # (windows * M, C', L')
                grids[name] = stream.step_grid(x.shape[2])
            feats[name] = maps if joint.takes_maps else stream.read_maps(maps)[0]
        window = None
        if seconds is not None:
            window = torch.tensor(seconds, dtype=torch.float64)
            window = window.repeat_interleave(crops, dim=0)  # (windows * M, 2)
        return joint(Features(feats, present, window=window, grids=grids))

    @torch.inference_mode()
    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """The head's predictions for windows of :meth:`fuse`, a data sample each."""
        return self.model.cls_head.predict(fused, data_samples)

    def score(
        self,
        first_frames: Sequence[int],
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, bool],
        crops: int = 1,
    ) -> Sequence[ActionDataSample]:
        """:meth:`fuse` and :meth:`predict`."""
        samples = [
            ActionDataSample(metainfo=dict(presence=dict(presence)))
            for _ in first_frames
        ]
        return self.predict(self.fuse(first_frames, inputs, presence, crops), samples)

    def _absent(self, name: str, rows: int, device: torch.device) -> Tensor:
        joint = self.model.joint
        axes = 5 if name in self.maps else 3
        return run_present_rows(
            self.model.streams[name],
            torch.empty((rows, *[1] * (axes - 1)), device=device),
            torch.zeros(rows, dtype=torch.bool),
            joint.in_channels[name],
            maps=joint.takes_maps,
        )[0]

    def forget(self, frame: int) -> None:
        """Drop what windows that begin at this frame or later do not need."""
        for maps in self.maps.values():
            maps.forget(frame)
