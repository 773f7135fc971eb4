"""Overlapping windows of one long input, scored without computing anything twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ..backbones import STConvNet
from ..streams import ConvStream, run_present_rows
from .trunk import StreamedTrunk

SOUND = "audio"


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
    """A recognizer that is fed a video piece by piece and scores windows of it.

    Streams whose ``STConvNet`` has ``temporal_padding=False`` compute each step once
    for all windows that see it; others run on every window. Necks, fusion and the sound
    run on every window: they are small. Scores equal those of the recognizer on each
    window alone.

    Args:
        model: A ``TriModalRecognizer`` in evaluation mode. Trunks that are shared are
            copied as they are now.
        frames: Of a window.

    Raises:
        ValueError: A window is too short for the model.
    """

    def __init__(self, model: nn.Module, frames: int) -> None:
        self.model = model
        self.frames = frames
        self.maps: dict[str, SharedMaps | RecomputedMaps] = {}
        for name, stream in model.streams.items():
            if name == SOUND:
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
        """Frames between two windows that can be scored: those of the widest stride."""
        # strides are products of those of pooling; the widest is a multiple of others
        return max((maps.stride for maps in self.maps.values()), default=1)

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
    def score(
        self,
        first_frames: Sequence[int],
        sound: Tensor | None,
        presence: Mapping[str, bool],
        crops: int = 1,
    ) -> list[ActionDataSample]:
        """Predictions for windows all of whose frames have been pushed.

        Args:
            first_frames: Number of each window's first frame, multiples of ``stride``.
            sound: ``(windows, ...)``, normalised; None without sound.
            presence: Whether the video has each modality.
            crops: M of :meth:`push`.

        Returns:
            One data sample per window, as the recognizer's ``predict`` gives.
        """
        rows = len(first_frames) * crops
        samples = [
            ActionDataSample(metainfo=dict(presence=dict(presence)))
            for _ in first_frames
        ]
        head, device = self.model.cls_head, next(self.model.parameters()).device
        feats, present = {}, {}
        for name, stream in self.model.streams.items():
            here = presence.get(name, True)
            present[name] = torch.full((rows,), here, device=device)
            if not here:
                feats[name] = self._absent(name, rows, device)
                continue
            if name == SOUND:
                maps = stream.backbone(sound)  # (windows, C', L')
                maps = maps.repeat_interleave(crops, dim=0)  # (windows * M, C', L')
            else:
                windows = [self.maps[name].window(frame) for frame in first_frames]
                maps = torch.cat(windows)  # (windows * M, C', T', H', W')
            feats[name] = maps if head.fusion.takes_maps else stream.read_maps(maps)[0]
        return head.predict(feats, samples, presence=present)

    def _absent(self, name: str, rows: int, device: torch.device) -> Tensor:
        axes = 3 if name == SOUND else 5
        head = self.model.cls_head
        return run_present_rows(
            self.model.streams[name],
            torch.empty((rows, *[1] * (axes - 1)), device=device),
            [False] * rows,
            head.in_channels[name],
            maps=head.fusion.takes_maps,
        )[0]

    def forget(self, frame: int) -> None:
        """Drop what windows that begin at this frame or later do not need."""
        for maps in self.maps.values():
            maps.forget(frame)
