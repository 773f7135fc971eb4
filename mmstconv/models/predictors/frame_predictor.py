"""A network that forecasts frames, as a model of MMAction2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel, ModuleList
from torch import Tensor, nn

from ...modalities import MODALITIES, in_order
from ..joint.subsets import presence_of_subset, subsets_of
from ..layers import to_device
from ..recognizers.batch import check_inputs, read_presence
from ..recognizers.building import plain_preprocessor
from ..recognizers.modality_dropout import check_rates, drop_modalities
from .roll_out import OwnPredictions, next_window, whole_rounds, without_absent

MODES = ("tensor", "predict", "loss")
PICTURES = "rgb"


@MODELS.register_module()
class FramePredictor(BaseModel):
    """Frames seen, their flow and their sound in; frames to come out.

    The network gives a fixed number of frames. Longer forecasts are rolled out: what
    was forecast becomes what was seen, and the network goes on from there. The sound
    of frames to come is not known, so from the second round on sound is absent, and so
    is flow unless ``flow`` computes it from the frames.

    A data sample whose metainfo has ``presence={'audio': False, ...}`` lacks that
    modality, and what its input holds then changes nothing.

    Args:
        network: Config of the network: a module with ``modalities``, ``seen``,
            ``future`` and ``channels`` that takes ``{modality: (N, ...)}`` and
            ``{modality: bool (N,)}`` and gives ``(N, channels, future, H, W)``.
        losses: Configs of losses of forecast and true frames, each with a ``weight``.
        flow: What gives flow from frames in 0..255, as
            ``dict(type='TVL1Flow')``, for later rounds. None: flow is absent there.
        own_predictions: ``(first, last)``: steps of training between which the share
            of later rounds that go on from the network's own forecast, not from the
            truth, grows from none to all. It matters where the truth is longer than
            ``network.future``.
        modality_dropout: ``{modality: rate}``: in training, take a modality away from
            so many of the samples that have it. What it says of a modality that the
            network does not read does not count.
        score_subsets: Forecast from every subset of the modalities as well.
        data_preprocessor: Config of the preprocessor. Frames must come out of it in
            0..1: ``mean=[0, 0, 0], std=[255, 255, 255]``. None: made so.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{modality: (N, 1, ...)}``: RGB ``(N, 1, 3, T, H, W)`` in 0..1.
        - Output: ``(N, C, future, H, W)``; see :meth:`forward`.

    Raises:
        ValueError: The frames are not brought to 0..1; the inputs do not fit the
            network, or the samples have no or other truth.
    """

    def __init__(
        self,
        network: Mapping | nn.Module,
        *,
        losses: Sequence[Mapping] = (dict(type="FrameMSELoss"),),
        flow: Mapping | None = None,
        own_predictions: tuple[int, int] = (0, 0),
        modality_dropout: Mapping[str, float] | None = None,
        score_subsets: bool = False,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not isinstance(network, nn.Module):
            network = MODELS.build(dict(network))
        names = in_order(network.modalities)
        if data_preprocessor is None:
            data_preprocessor = plain_preprocessor([*MODALITIES, *names])
            data_preprocessor["preprocessors"][PICTURES] = dict(
                type="ActionDataPreprocessor",
                mean=[0.0] * 3,
                std=[255.0] * 3,
                format_shape="NCTHW",
            )
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(dict(data_preprocessor))
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.network = network
        self.losses = ModuleList(MODELS.build(dict(one)) for one in losses)
        self.flow = None if flow is None else MODELS.build(dict(flow))
        self.own_predictions = OwnPredictions(*own_predictions)
        known = {*MODALITIES, *getattr(data_preprocessor, "preprocessors", ())}
        self.modality_dropout = check_rates(modality_dropout, names, known)
        self.score_subsets = bool(score_subsets)
        self._check_scale()

    def _check_scale(self) -> None:
        parts = getattr(self.data_preprocessor, "preprocessors", {})
        mean, std = (
            [float(one) for one in getattr(parts[PICTURES], key).flatten()]
            if PICTURES in parts and hasattr(parts[PICTURES], key)
            else None
            for key in ("mean", "std")
        )
        if PICTURES in parts and (set(mean or [1]) != {0.0} or set(std) != {255.0}):
            raise ValueError(
                "FramePredictor: frames must be brought to 0..1: write "
                "data_preprocessor.preprocessors.rgb=dict(mean=[0, 0, 0], "
                f"std=[255, 255, 255], ...), got mean={mean} and std={std}"
            )

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the inputs that are read."""
        return tuple(in_order(self.network.modalities))

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None = None,
        mode: str = "tensor",
        presence: Mapping[str, Tensor] | None = None,
        future: int | None = None,
    ) -> dict | Sequence | Tensor:
        """The three modes of MMEngine.

        Args:
            inputs: ``{modality: (N, 1, ...)}``, of what was seen.
            data_samples: N data samples; ``'tensor'`` can do without.
            mode: ``'tensor'``: the forecast ``(N, C, future, H, W)``, as the network
                gives it, not clipped. ``'loss'``: dict of losses; reads ``gt_frames``,
                uint8 ``(C, T, H, W)``. ``'predict'``: the data samples with
                ``pred_frames``, float ``(C, T, H, W)`` in 0..1.
            presence: ``{modality: bool (N,)}``, instead of the data samples'; of
                ``'tensor'``.
            future: Frames to forecast; of ``'tensor'`` and ``'predict'``. None: as many
                as the samples' truth has, else the network's own number.
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}, must be one of {MODES}")
        if mode != "tensor" and data_samples is None:
            raise ValueError(f"mode {mode!r} needs data_samples")
        seen, here = self._read(inputs, data_samples, presence)
        if mode == "loss":
            return self.loss(seen, here, data_samples)
        if future is None:
            future = self._length(data_samples)
        if mode == "predict":
            return self.predict(seen, here, data_samples, future)
        return self.forecast(seen, here, future)

    def _read(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence | None,
        presence: Mapping[str, Tensor] | None,
    ) -> tuple[dict[str, Tensor], Mapping[str, Tensor]]:
        samples, clips = check_inputs(inputs, self.modalities, data_samples)
        if clips != 1:
            raise ValueError(
                f"FramePredictor takes one clip of each sample, got {clips}: "
                "SampleClips(num_clips=1), and one crop"
            )
        if presence is None:
            presence = read_presence(data_samples, self.modalities, samples, 1)
        return {name: inputs[name].flatten(0, 1) for name in self.modalities}, presence

    def _length(self, data_samples: Sequence | None) -> int:
        """Frames of the truth that every sample has; else the network's own number."""
        lengths = {
            sample.gt_frames.shape[1]
            for sample in data_samples or ()
            if "gt_frames" in sample
        }
        return lengths.pop() if len(lengths) == 1 else self.network.future

    def forecast(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        future: int | None = None,
    ) -> Tensor:
        """Frames to come, ``(N, C, future, H, W)``, rolled out as far as it takes.

        Args:
            inputs: ``{modality: (N, ...)}``.
            presence: ``{modality: bool (N,)}``.
            future: How many; None: as many as the network gives.
        """
        inputs = without_absent(inputs, presence, PICTURES)
        rounds = whole_rounds(future or self.network.future, self.network.future)
        frames = []
        for index in range(rounds):
            frames.append(self.network(inputs, presence))
            if index + 1 < rounds:
                inputs, presence = self._go_on(inputs, presence, frames[-1])
        return torch.cat(frames, dim=2)[:, :, :future]

    def _go_on(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        frames: Tensor,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        parts = getattr(self.data_preprocessor, "preprocessors", {})
        parts = dict(parts.items())
        return next_window(inputs, presence, frames, PICTURES, self.flow, parts)

    def loss(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        data_samples: Sequence,
    ) -> dict[str, Tensor]:
        """Losses of all frames of the truth, averaged over the rounds."""
        truth = self._truth(data_samples, inputs[PICTURES])
        presence = drop_modalities(presence, self.modality_dropout, 1)
        inputs = without_absent(inputs, presence, PICTURES)
        step = self.network.future
        rounds = whole_rounds(truth.shape[2], step)
        share = self.own_predictions.advance(self.training)
        forecasts = []
        for index in range(rounds):
            forecasts.append(self.network(inputs, presence))
            if index + 1 < rounds:
                true = truth[:, :, index * step : (index + 1) * step]
                own = torch.rand(len(true)) < share
                own = to_device(own, true.device).view(-1, 1, 1, 1, 1)
                seen = torch.where(own, forecasts[-1], true)
                inputs, presence = self._go_on(inputs, presence, seen)
        forecast = torch.cat(forecasts, dim=2)[:, :, : truth.shape[2]]
        return {one.name: one.weight * one(forecast, truth) for one in self.losses}

    def _truth(self, data_samples: Sequence, like: Tensor) -> Tensor:
        """``(N, C, T, H, W)`` in 0..1."""
        wanted = (self.network.channels, *like.shape[-2:])
        for sample in data_samples:
            name = sample.get("filename", "a data sample")
            if "gt_frames" not in sample:
                raise ValueError(
                    f"{name}: no gt_frames: put SplitFuture into the pipeline and "
                    "'gt_frames' into algorithm_keys of PackActionInputs"
                )
            channels, _, *size = sample.gt_frames.shape
            if (channels, *size) != wanted:
                raise ValueError(
                    f"{name}: gt_frames has channels, height and width "
                    f"{(channels, *size)}, the forecast {wanted}"
                )
        lengths = sorted({sample.gt_frames.shape[1] for sample in data_samples})
        if len(lengths) > 1:
            raise ValueError(f"gt_frames of {lengths} frames in one batch")
        frames = torch.stack([sample.gt_frames for sample in data_samples])
        return to_device(frames, like.device).to(like.dtype) / 255

    @torch.no_grad()
    def predict(
        self,
        inputs: Mapping[str, Tensor],
        presence: Mapping[str, Tensor],
        data_samples: Sequence,
        future: int | None = None,
    ) -> Sequence:
        """The data samples, with ``pred_frames`` and where asked ``subset_frames``."""
        frames = self.forecast(inputs, presence, future).clamp(0, 1)
        subsets = {}
        for name, members in subsets_of(self.modalities) if self.score_subsets else ():
            here = presence_of_subset(members, self.modalities, presence, frames)
            subsets[name] = self.forecast(inputs, here, future).clamp(0, 1)
        for row, sample in enumerate(data_samples):
            sample.set_field(frames[row], "pred_frames")
            if subsets:
                parts = {name: value[row] for name, value in subsets.items()}
                sample.set_field(parts, "subset_frames")
        return data_samples
