"""A batch of packed samples onto the device, where its flow may be derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmaction.models.data_preprocessors import MultiModalDataPreprocessor
from mmaction.registry import MODELS
from mmengine.model import stack_batch
from torch import Tensor

from ...private_names import copy_without_waiting
from ..layers import to_device


@MODELS.register_module()
class TriModalDataPreprocessor(MultiModalDataPreprocessor):
    """MMAction2's ``MultiModalDataPreprocessor`` that never waits for the device.

    Inputs are copied without blocking: from pinned memory (``pin_memory=True`` of the
    data loader) while the device still works on the batch before. Data samples stay on
    the host, where labels are checked and presence is read.

    With ``flow`` the flow is computed here, from the frames as they were augmented:
    loader processes only decode. The pipeline then has no ``ComputeFlow``; it has
    ``FormatClips(modalities=['rgb', 'audio'], keep_last_frame=True)``, and
    ``frame_times`` in the ``meta_keys`` of ``PackActionInputs``. As with
    ``ComputeFlow`` there is no flow where a clip starts again, and none without video.

    Cached steps of videos (``PackFilmSteps``) are stacked and cast to float32; nothing
    else is done to them.

    Args:
        preprocessors: ``{modality: config}`` of ``ActionDataPreprocessor``.
        flow: Config of what turns ``(N, 3, T + 1, H, W)`` into ``(N, 2, T, H, W)``,
            such as ``dict(type='TVL1Flow')``. None: flow comes with the inputs, if the
            model needs any.
        blending: Config of what mixes training samples with each other,
            ``dict(type='MultiModalBlending', mixup_alpha=0.8)``. None: nothing does.

    Shape:
        - Input: a batch of the data loader, ``inputs={modality: [(M, ...)] * N}``.
        - Output: the same with ``inputs={modality: (N, M, ...)}``.

    Raises:
        ValueError: The samples hold a modality without a preprocessor. Or flow is to be
            derived, and the samples hold it already, lack
            ``rgb`` or ``frame_times``, or lack the last frame. Or a modality has a
            ``blending`` of its own.
    """

    def __init__(
        self,
        preprocessors: Mapping[str, Mapping],
        *,
        flow: Mapping | None = None,
        blending: Mapping | None = None,
    ) -> None:
        super().__init__(preprocessors)
        for name, part in self.preprocessors.items():
            if getattr(part, "blending", None) is not None:
                raise ValueError(
                    f"data_preprocessor.preprocessors.{name}.blending would mix {name} "
                    "and its labels alone: write data_preprocessor=dict(blending=dict("
                    "type='MultiModalBlending', ...))"
                )
        copy_without_waiting(self)
        self.flow = None if flow is None else MODELS.build(dict(flow))
        self.blending = None if blending is None else MODELS.build(dict(blending))

    def forward(self, data: Mapping, training: bool = False) -> dict:
        inputs, data_samples = self.cast_data(data["inputs"]), data["data_samples"]
        if any(sample.get("step_count") is not None for sample in data_samples):
            steps = {name: stack_steps(x) for name, x in inputs.items()}
            return dict(data, inputs=steps, data_samples=data_samples)
        if self.flow is not None:
            inputs = self._derive_flow(inputs, data_samples)
        ready = {}
        for name, clips in inputs.items():
            if name not in self.preprocessors:
                raise ValueError(
                    f"data_preprocessor.preprocessors has no {name!r}, which the "
                    f"samples hold: add {name}=dict(type='ActionDataPreprocessor')"
                )
            ready[name], data_samples = self.preprocessors[name].preprocess(
                clips, data_samples, training
            )  # (N, M, ...)
        if training and self.blending is not None:
            ready, data_samples = self.blending(ready, data_samples)
        return dict(data, inputs=ready, data_samples=data_samples)

    def _derive_flow(
        self, inputs: Mapping[str, list[Tensor]], data_samples: Sequence
    ) -> dict[str, list[Tensor]]:
        """The inputs with flow, and with T instead of T + 1 frames."""
        if "rgb" not in inputs or "flow" in inputs:
            raise ValueError(
                "flow is derived from rgb here: inputs must have rgb and no flow, got "
                f"{sorted(inputs)}; FormatClips and PackActionInputs name them"
            )
        frames = stack_batch(inputs["rgb"])  # (N, M, 3, T + 1, H, W)
        clips, steps = frames.shape[1], frames.shape[3] - 1
        here = np.stack([runs_on(sample, clips, steps) for sample in data_samples])
        flow = self.flow(frames.flatten(0, 1))  # (N * M, 2, T, H, W)
        flow = flow.unflatten(0, (-1, clips))
        here = to_device(here, flow.device)[:, :, None, :, None, None]
        flow = torch.where(here, flow, flow.new_zeros(()))
        return {**inputs, "rgb": list(frames[:, :, :, :-1]), "flow": list(flow)}


def stack_steps(films: Sequence[Tensor] | Tensor) -> Tensor:
    """``(1, T, D)`` of N videos to ``(N, 1, T, D)``.

    Raises:
        ValueError: They differ in their number of steps.
    """
    counts = sorted({x.shape[1] for x in films})
    if len(counts) > 1:
        raise ValueError(
            f"cached steps of {counts[0]} to {counts[-1]} steps in one batch: put "
            "CropFilmSteps(length=...) into the pipeline, or take batch_size=1"
        )
    return torch.stack(list(films)).float()


def runs_on(sample: object, clips: int, steps: int) -> np.ndarray:
    """Whether time goes on from each frame of a sample to the next, ``(M, T)``.

    Args:
        sample: Data sample with ``frame_times`` of each clip; crops share them.
        clips: M, crops outermost.
        steps: T.
    """
    name = sample.get("filename", "a data sample")
    times = sample.get("frame_times", None)
    if times is None:
        raise ValueError(
            f"{name}: no frame_times in the metainfo, which flow needs: add it to "
            "meta_keys of PackActionInputs"
        )
    times = np.asarray(times)  # (clips without crops, T + 1)
    if times.shape[1] != steps + 1 or clips % len(times):
        raise ValueError(
            f"{name}: {clips} clips of {steps + 1} frames, but frame_times of "
            f"{times.shape[0]} clips and {times.shape[1]} frames: FormatClips needs "
            "keep_last_frame=True"
        )
    here = np.diff(times, axis=1) > 0
    here &= bool((sample.get("presence", None) or {}).get("flow", True))
    return np.tile(here, (clips // len(times), 1))
