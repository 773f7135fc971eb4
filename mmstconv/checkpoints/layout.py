"""How one source project names and shapes its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor


def _unchanged(key: str, value: Tensor) -> Tensor:
    return value


def _as_it_is(weights: Mapping[str, Tensor], **options) -> Mapping[str, Tensor]:
    return weights


def _nowhere(key: str) -> None:
    return None


def _unknown(weights: Mapping[str, Tensor]) -> dict:
    return {}


def _nothing(weights: Mapping[str, Tensor]) -> list[str]:
    return []


@dataclass(frozen=True)
class Layout:
    """One layout of weights, and where each of them goes in our networks.

    All functions get the weights as the doctor cleaned them: tensors only, without
    the container around them and without the prefix of a DDP wrapper.

    Args:
        name: Short name, as in ``pytorch-i3d``.
        source: URL of the project.
        recognise: Whether weights have this layout, by their keys and, where those
            do not tell, by shapes. The first layout that says yes is taken.
        backbone: The config for ``MODELS.build`` without ``in_channels``, from weights
            and, by keyword, any of ``options``; None where we have no such network, so
            that the layout is only reported.
        merge: What the source has in several tensors and our network in one, brought
            together under the source's names, from weights and any of ``options``; no
            tensor is changed in place.
        rename: Source key to ``backbone.…``, ``cls_head.fc_cls.{weight,bias}``, or
            None where there is no place for it.
        preprocessing: What the source did to its input, in plain types: only keys
            that it fixes, ``{}`` if none.
        reshape: Target key and tensor to the tensor in the target's shape.
        notes: What a user must know, in one or two sentences.
        report: What is to be said of these very weights, line by line.
        options: What changes the network and cannot be seen in its weights, and the
            values of the released files.
    """

    name: str
    source: str
    recognise: Callable[[Mapping[str, Tensor]], bool]
    backbone: Callable[..., dict] | None = None
    merge: Callable[..., Mapping[str, Tensor]] = _as_it_is
    rename: Callable[[str], str | None] = _nowhere
    preprocessing: Callable[[Mapping[str, Tensor]], dict] = _unknown
    reshape: Callable[[str, Tensor], Tensor] = _unchanged
    notes: str = ""
    report: Callable[[Mapping[str, Tensor]], list[str]] = _nothing
    options: Mapping = field(default_factory=dict)

    @property
    def convertible(self) -> bool:
        """Whether we have its network."""
        return self.backbone is not None
