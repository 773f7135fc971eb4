"""What all fusion operators share: checks, absent modalities, order."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from ..layers import to_device


class FusionOperator(BaseModule):
    """One representation per time step from those of several modalities.

    What an absent modality holds, NaN included, changes neither output nor
    gradient. Modalities are taken in alphabetical order, so neither the order of
    the config nor that of the features decides what a trained weight means. Time
    steps are fused one by one where a subclass does not say otherwise.

    Subclasses implement :meth:`fuse`.

    Args:
        in_channels: Channels of each modality.
        out_channels: Channels of the output.
        learned_absent: Put a learned embedding (zero at first) in the place of an
            absent modality, which then counts as present; otherwise zeros, and the
            operator leaves the modality out.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``feats`` ``{modality: (N, T, D_m)}``, ``presence``
          ``{modality: bool (N,)}``, on any device; a modality that it does not name is
          present.
        - Output: ``(N, T, out_channels)``.

    Raises:
        ValueError: Features or presence do not fit; the message names the modality.
    """

    #: The output are scores of classes (log-probabilities; with ``multi_class=True``
    #: the log-odds of each class), not features.
    gives_scores = False
    #: The input are feature maps of the backbones, not ``(N, T, D_m)``.
    takes_maps = False

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        out_channels: int,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not isinstance(in_channels, Mapping) or not in_channels:
            raise ValueError(
                f"{type(self).__name__}: in_channels: expected the channels of each "
                f"modality, such as dict(rgb=512, audio=128), got {in_channels!r}"
            )
        self.modalities = tuple(sorted(in_channels))
        self.in_channels = {name: in_channels[name] for name in self.modalities}
        self.out_channels = out_channels
        self.learned_absent = learned_absent
        self.absent = nn.ParameterDict()
        if learned_absent:
            for name, channels in self.in_channels.items():
                self.absent[name] = nn.Parameter(torch.zeros(channels))

    def forward(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        return self.fuse(*self.prepare(feats, presence))

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """The operator itself.

        Args:
            feats: ``{modality: (N, T, D_m)}``, finite where absent.
            present: ``{modality: bool (N, 1, 1)}`` of every modality.

        Returns:
            ``(N, T, out_channels)``.
        """
        raise NotImplementedError

    def prepare(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The arguments of :meth:`fuse`: checked, and absent modalities filled."""
        if set(feats) != set(self.modalities):
            raise ValueError(
                f"{type(self).__name__}: expected features of {self.modalities}, "
                f"got those of {tuple(sorted(feats))}"
            )
        self.check(feats)
        presence = presence or {}
        filled, present = {}, {}
        for name in self.modalities:
            x = feats[name]
            here = presence.get(name)
            if here is None:
                here = x.new_ones(x.shape[:1], dtype=torch.bool)
            elif here.shape != x.shape[:1] or here.dtype != torch.bool:
                raise ValueError(
                    f"{type(self).__name__}: presence of {name!r}: expected bool "
                    f"({x.shape[0]},), got {here.dtype} {tuple(here.shape)}"
                )
            here = to_device(here, x.device)
            if name in presence or self.learned_absent:
                x = torch.where(
                    here.view(-1, *[1] * (x.dim() - 1)), x, self.stand_in(name, x)
                )
            filled[name] = x
            here = here[:, None, None]  # (N, 1, 1)
            present[name] = torch.ones_like(here) if self.learned_absent else here
        return filled, present

    def check(self, feats: Mapping[str, Tensor]) -> None:
        """Raise unless the features fit ``in_channels`` and each other."""
        for name in self.modalities:
            if feats[name].shape[-1] != self.in_channels[name]:
                raise ValueError(
                    f"{type(self).__name__}: expected {self.in_channels[name]} "
                    f"channels of {name!r}, got {feats[name].shape[-1]}"
                )
        first = feats[self.modalities[0]].shape[:-1]
        if any(feats[name].shape[:-1] != first for name in self.modalities):
            shapes = {name: tuple(feats[name].shape) for name in self.modalities}
            raise ValueError(
                f"{type(self).__name__}: features must agree in (N, T), got {shapes}"
            )

    def stand_in(self, name: str, x: Tensor) -> Tensor:
        """What takes the place of an absent modality; broadcasts to ``x``."""
        if self.learned_absent:
            return self.absent[name].to(x.dtype)  # (D_m,)
        return x.new_zeros(())

    def stack_present(self, present: Mapping[str, Tensor]) -> Tensor:
        """``{modality: (N, 1, 1)}`` to ``(N, 1, K, 1)``, K modalities in order."""
        return torch.stack([present[name] for name in self.modalities], dim=2)

    def split(self, shares: Tensor) -> dict[str, Tensor]:
        """``(N, T, K)`` to ``{modality: (N, T)}``."""
        return dict(zip(self.modalities, shares.unbind(-1)))


class ModalityLinear(ModuleDict):
    """A linear layer for each modality, to one common number of channels.

    Shape:
        - Input: ``{modality: (N, T, D_m)}``.
        - Output: ``(N, T, K, channels)``, in the order of ``in_channels``.
    """

    def __init__(self, in_channels: Mapping[str, int], channels: int) -> None:
        super().__init__(
            {name: nn.Linear(width, channels) for name, width in in_channels.items()}
        )

    def forward(self, feats: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([layer(feats[name]) for name, layer in self.items()], dim=2)


def masked_softmax(logits: Tensor, present: Tensor, dim: int) -> Tensor:
    """Softmax over what is present; zeros where nothing is.

    Args:
        logits: Of any shape.
        present: Boolean, broadcasts to ``logits``.
        dim: Axis to normalise over.
    """
    # Without anything present all take part: no NaN on the way, forth or back.
    takes_part = present | ~present.any(dim, keepdim=True)
    logits = logits.masked_fill(~takes_part, float("-inf"))
    return logits.softmax(dim).masked_fill(~present, 0.0)
