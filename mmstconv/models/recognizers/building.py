"""The parts of a recognizer from their configs, each told what the others are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mmaction.registry import MODELS
from torch import nn

from ..layers import class_of

# Arguments of the head that are the joint's, and what they are called there.
OF_JOINT = {"fusion": "fusion", "temporal": "temporal", "fuse_steps": "steps"}


def plain_preprocessor(modalities: Iterable[str]) -> dict:
    """Config of a preprocessor that stacks every modality and casts it to float32."""
    parts = {name: dict(type="ActionDataPreprocessor") for name in modalities}
    return dict(type="TriModalDataPreprocessor", preprocessors=parts)


def build_preprocessor(cfg: Mapping, head: Mapping) -> nn.Module:
    """The preprocessor; what mixes labels is told how many classes the head has."""
    blending = cfg.get("blending")
    if blending is not None and "num_classes" in head:
        blending = {"num_classes": head["num_classes"], **blending}
        cfg = {**cfg, "blending": blending}
    return MODELS.build(dict(cfg))


def build_stream(cfg: Mapping | nn.Module) -> nn.Module:
    """A stream from the arguments of ``ConvStream``, or another that ``type`` names."""
    if isinstance(cfg, nn.Module):
        return cfg
    return MODELS.build({"type": "ConvStream", **cfg})


def build_task(
    streams: Mapping[str, nn.Module],
    joint: Mapping,
    head: Mapping,
    known: Collection[str],
) -> tuple[nn.Module, nn.Module]:
    """The joint as the head needs it, and the head as wide as the joint.

    Args:
        streams: ``{modality: stream}``.
        joint: Config of the joint.
        head: Config of the head.
        known: Modalities that a config may name without a stream for them.

    Raises:
        ValueError: The parts do not fit each other; names the key of the config.
    """
    refuse_moved(head)
    kind = class_of(head)
    joint = dict({"type": "Joint"}, **joint)
    given = joint.pop("in_channels", None) or {}
    widths = widths_of(streams, given, known, maps=fuses_maps(joint))
    needs = dict(over_time=getattr(kind, "over_time", "steps"))
    if hasattr(kind, "needs"):
        needs.update(kind.needs(head, widths))
    built = MODELS.build(dict(joint, in_channels=widths, **needs))
    head = dict(head, in_channels=built.out_channels)
    if hasattr(kind, "needs"):
        head.update(stream_channels=widths, gives_scores=built.fusion.gives_scores)
    return built, MODELS.build(head)


def widths_of(
    streams: Mapping[str, nn.Module],
    given: Mapping[str, int],
    known: Collection[str],
    *,
    maps: bool,
) -> dict[str, int]:
    """``{modality: channels}`` of what the joint reads of each stream.

    Args:
        streams: ``{modality: stream}``.
        given: ``joint.in_channels``, for streams that do not say their width.
        known: Modalities that it may name without a stream for them.
        maps: Whether the joint reads the maps of the backbones.

    Raises:
        ValueError: A width is missing, or of an unknown modality.
    """
    unknown = sorted(set(given) - {*streams, *known})
    if unknown:
        raise ValueError(
            f"joint.in_channels has {unknown}, but streams has {sorted(streams)}"
        )
    widths = {}
    for name, stream in streams.items():
        own = "map_channels" if maps else "out_channels"
        widths[name] = given.get(name) or getattr(stream, own, None)
        if widths[name] is None:
            raise ValueError(
                f"streams.{name} does not say how many channels it gives: write "
                f"joint=dict(in_channels=dict({name}=...))"
            )
    return widths


def fuses_maps(joint: Mapping) -> bool:
    """Whether the operator that a joint's config names reads maps."""
    return getattr(class_of(joint.get("fusion")), "takes_maps", False)


def refuse_moved(head: Mapping) -> None:
    """Raise ``ValueError`` for arguments of a head that are the joint's."""
    for own, new in OF_JOINT.items():
        if own in head:
            raise ValueError(
                f"cls_head.{own} is an argument of the joint: write "
                f"model=dict(joint=dict({new}=...))"
            )
    if "in_channels" in head:
        raise ValueError(
            "cls_head.in_channels follows from the streams: leave it out (where a "
            "stream does not say its width: model=dict(joint=dict(in_channels=...)))"
        )
