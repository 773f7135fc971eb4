"""Fusion of feature maps, before space is pooled away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from ..layers import pool_space
from .base import FusionOperator


@MODELS.register_module()
class Conv3dFusion(FusionOperator):
    """Stack feature maps on one grid, then 3D convolution and 3D pooling.

    `Convolutional Two-Stream Network Fusion for Video Action Recognition
    <https://arxiv.org/abs/1604.06573>`_, its temporal fusion by 3D conv + 3D
    pooling. Video maps are averaged (or repeated) onto the grid, sound is averaged onto
    its time steps and repeated over space. Mixes time steps, as its trunk does.

    Args:
        in_channels: Channels of each modality's map.
        trunk: Config of the convolution and pooling, without ``in_channels``, such as
            ``dict(type='STConvNet', stages=[dict(channels=256, temporal_pool=...)])``.
        grid: ``(T, H, W)``. None: on each axis the largest of the video maps, so the
            map of an idle stream, a single point, decides nothing. Without a grid a
            batch that has only sound gives the trunk one point in space, and one in
            time where no video is given: then its pooling must allow for that.
        learned_absent: A learned value per channel instead of zeros for an absent
            modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{modality: (N, C_m, T_m, H_m, W_m)}`` of video,
          ``(N, C_m, L)`` of sound.
        - Output: ``(N, T', trunk.out_channels)``.
    """

    takes_maps = True

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        trunk: Mapping,
        grid: Sequence[int] | None = None,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if grid is not None and (len(grid) != 3 or min(grid) < 1):
            raise ValueError(f"Conv3dFusion: grid must be (T, H, W), got {grid!r}")
        built = MODELS.build(dict(trunk, in_channels=sum(in_channels.values())))
        super().__init__(
            in_channels,
            out_channels=built.out_channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.grid = None if grid is None else tuple(grid)
        self.trunk = built

    def check(self, feats: Mapping[str, Tensor]) -> None:
        for name, channels in self.in_channels.items():
            shape = tuple(feats[name].shape)
            if len(shape) not in (3, 5) or shape[1] != channels:
                raise ValueError(
                    f"Conv3dFusion: expected maps (N, {channels}, T, H, W) or "
                    f"(N, {channels}, L) of {name!r}, got {shape}"
                )
        sizes = {name: feats[name].shape[0] for name in self.modalities}
        if any(size != sizes[self.modalities[0]] for size in sizes.values()):
            raise ValueError(f"Conv3dFusion: maps must agree in N, got {sizes}")
        if self.grid is None and all(x.dim() == 3 for x in feats.values()):
            raise ValueError(
                "Conv3dFusion: no modality has a map (N, C, T, H, W), so "
                "grid=(T, H, W) must be given"
            )

    def stand_in(self, name: str, x: Tensor) -> Tensor:
        if self.learned_absent:
            return self.absent[name].to(x.dtype).view(-1, *[1] * (x.dim() - 2))
        return x.new_zeros(())

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        grid = self.grid or largest_grid(feats.values())
        maps = [onto_grid(feats[name], grid) for name in self.modalities]
        x = torch.cat(maps, dim=1)  # (N, sum of C_m, T, H, W)
        return pool_space(self.trunk(x))  # (N, T', D)


def largest_grid(maps: Sequence[Tensor]) -> tuple[int, ...]:
    """On each axis the largest of the ``(N, C, T, H, W)`` among ``maps``."""
    return tuple(map(max, zip(*(x.shape[2:] for x in maps if x.dim() == 5))))


def onto_grid(x: Tensor, grid: tuple[int, ...]) -> Tensor:
    """``(N, C, T', H', W')`` or ``(N, C, L)`` to ``(N, C, *grid)``."""
    if x.dim() == 3:
        x = F.adaptive_avg_pool1d(x, grid[0])  # (N, C, T)
        return x[..., None, None].expand(-1, -1, *grid)
    return x if x.shape[2:] == grid else F.adaptive_avg_pool3d(x, grid)
