"""Streams of several modalities, the joint between them, and one head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor, nn

from ...modalities import MODALITIES, in_order, without_left_out
from ..joint import Features, Fused, Steps
from ..layers import StepGrid, to_device
from ..streams import run_present_rows
from .batch import check_inputs, read_presence, read_windows
from .modality_dropout import check_rates, drop_modalities

STAGES = ("backbone", "neck", "steps", "fusion", "head")
MODES = ("tensor", "predict", "loss")
# Arguments of the head that are the joint's, and what they are called there.
OF_JOINT = {"fusion": "fusion", "temporal": "temporal", "fuse_steps": "steps"}


@MODELS.register_module()
class TriModalRecognizer(BaseModel):
    """RGB, flow and audio of the same instant, each through its stream, one head.

    Any set of modalities works; those named here are what the data set brings along,
    others are the user's own. A data sample whose metainfo has
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
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if not streams:
            raise ValueError("streams: expected at least one modality, got none")
        names = in_order(streams)
        if data_preprocessor is None:
            data_preprocessor = dict(
                type="TriModalDataPreprocessor",
                preprocessors={
                    name: dict(type="ActionDataPreprocessor") for name in names
                },
            )
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        known = {*MODALITIES, *getattr(data_preprocessor, "preprocessors", ())}
        self.streams = ModuleDict(
            {name: _build_stream(streams[name]) for name in names}
        )
        self.joint, self.cls_head = self._build_task(joint or {}, cls_head)
        rates = modality_dropout or {}
        kept = without_left_out(rates, self.streams, known)
        self.modality_dropout = check_rates(
            {name: rates[name] for name in kept}, self.streams
        )

    def _build_task(
        self, joint: Mapping, cls_head: Mapping
    ) -> tuple[nn.Module, nn.Module]:
        """The joint as the head needs it, and the head as wide as the joint."""
        refuse_moved(cls_head)
        kind = class_of(cls_head)
        joint = dict({"type": "Joint"}, **joint)
        widths = self._widths(joint.pop("in_channels", None) or {}, fuses_maps(joint))
        needs = dict(over_time=getattr(kind, "over_time", "steps"))
        if hasattr(kind, "needs"):
            needs.update(kind.needs(cls_head, widths))
        built = MODELS.build(dict(joint, in_channels=widths, **needs))
        head = dict(cls_head, in_channels=built.out_channels)
        if hasattr(kind, "needs"):
            head.update(stream_channels=widths, gives_scores=built.fusion.gives_scores)
        return built, MODELS.build(head)

    def _widths(self, given: Mapping[str, int], maps: bool) -> dict[str, int]:
        """``{modality: channels}`` of what the joint reads of each stream."""
        unknown = sorted(set(given) - {*self.streams, *MODALITIES})
        if unknown:
            raise ValueError(
                f"joint.in_channels has {unknown}, but streams has "
                f"{sorted(self.streams)}"
            )
        widths = {}
        for name, stream in self.streams.items():
            own = "map_channels" if maps else "out_channels"
            widths[name] = given.get(name) or getattr(stream, own, None)
            if widths[name] is None:
                raise ValueError(
                    f"streams.{name} does not say how many channels it gives: write "
                    f"joint=dict(in_channels=dict({name}=...))"
                )
        return widths

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
        features, _ = self.run_streams(inputs, presence, window)
        return self.joint(features)

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
            grids[name] = step_grid_of(stream, x.shape[2])
            losses.update({f"{key}_{name}": loss for key, loss in loss_aux.items()})
        return Features(feats, presence, window=window, grids=grids), losses


def step_grid_of(stream: nn.Module, frames: int) -> StepGrid | None:
    """Where the steps of a stream lie in a clip of so many frames."""
    find = getattr(stream, "step_grid", None)
    return None if find is None else find(frames)


def class_of(cfg: Mapping | None) -> type | None:
    """The class that a config names; None if there is none."""
    kind = (cfg or {}).get("type")
    return MODELS.get(kind) if kind and isinstance(kind, str) else kind


def fuses_maps(joint: Mapping) -> bool:
    """Whether the operator that a joint's config names reads maps."""
    return getattr(class_of(joint.get("fusion")), "takes_maps", False)


def refuse_moved(cls_head: Mapping) -> None:
    """Raise ``ValueError`` for arguments of a head that are the joint's."""
    for own, new in OF_JOINT.items():
        if own in cls_head:
            raise ValueError(
                f"cls_head.{own} is an argument of the joint: write "
                f"model=dict(joint=dict({new}=...))"
            )
    if "in_channels" in cls_head:
        raise ValueError(
            "cls_head.in_channels follows from the streams: leave it out (where a "
            "stream does not say its width: model=dict(joint=dict(in_channels=...)))"
        )


def _build_stream(cfg: Mapping | nn.Module) -> nn.Module:
    if isinstance(cfg, nn.Module):
        return cfg
    return MODELS.build({"type": "ConvStream", **cfg})
