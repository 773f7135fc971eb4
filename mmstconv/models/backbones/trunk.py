"""Stages of blocks, each followed by pooling: what all our ConvNets are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleList, Sequential
from torch import Tensor, nn

from ..layers import freeze_norm_statistics, run_recomputed


class Stage(BaseModule):
    """Blocks, then pooling.

    Shape:
        - Input: ``(N, C, *axes)``.
        - Output: ``(N, out_channels, *smaller_axes)``.
    """

    def __init__(self, blocks: Sequence[nn.Module], pool: nn.Module) -> None:
        super().__init__()
        self.blocks = Sequential(*blocks)
        self.pool = pool
        self.out_channels = blocks[-1].out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.blocks(x))  # (N, C', *smaller_axes)


class ConvTrunk(BaseModule):
    """Stages built from configs; subclasses say what pooling means on their axes.

    A stage is a mapping in one of two forms, each with the subclass's pooling keys:

    - ``blocks=[dict(type=..., ...), ...]``: the blocks one by one;
    - ``block='ConvBlock'``, ``num_blocks=1`` and the block's own arguments: equal
      blocks, of which only the first has the ``stride``.

    Args:
        stages: The stages.
        in_channels: Channels of the input.
        norm_cfg: Norm layer of every block, or None: then convolutions have a bias.
        act_cfg: Activation of every block, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        frozen_stages: The first so many stages do not train.
        with_cp: Compute inner activations again in the backward pass instead of
            keeping them: less memory, a third more time.
        init_cfg: Initialisation config.

    Raises:
        ValueError: A stage is empty or has a key or value that is not understood.
    """

    ndim: int
    pool_keys: tuple[str, ...]
    axes: str

    def __init__(
        self,
        stages: Sequence[Mapping],
        *,
        in_channels: int,
        norm_cfg: Mapping | None,
        act_cfg: Mapping | None,
        norm_eval: bool,
        frozen_stages: int,
        with_cp: bool,
        init_cfg: dict | None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        name = type(self).__name__
        if not stages:
            raise ValueError(f"{name}: stages is empty, expected at least one")
        if not 0 <= frozen_stages <= len(stages):
            raise ValueError(
                f"{name}: frozen_stages must lie in 0..{len(stages)}, "
                f"got {frozen_stages}"
            )
        self.in_channels = in_channels
        self.norm_eval = norm_eval
        self.frozen_stages = frozen_stages
        self.with_cp = with_cp
        shared = dict(ndim=self.ndim, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.stages = ModuleList()
        for index, stage in enumerate(stages):
            try:
                cfgs, pool = split_stage(stage, self.pool_keys)
                blocks = []
                for cfg in cfgs:
                    cfg = {**shared, **cfg, "in_channels": in_channels}
                    blocks.append(MODELS.build(cfg))
                    in_channels = blocks[-1].out_channels
                self.stages.append(Stage(blocks, self.build_pool(**pool)))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}: stages[{index}]: {error} (the pooling of a stage is "
                    f"given by {' and '.join(self.pool_keys)})"
                ) from error
        self.out_channels = in_channels
        for stage in self.stages[:frozen_stages]:
            stage.requires_grad_(False)

    def build_pool(self, **pool: Mapping | None) -> nn.Module:
        """The pooling of one stage from the stage's ``pool_keys``."""
        raise NotImplementedError

    def check_input(self, x: Tensor) -> None:
        """Raise unless ``x`` is ``(N, in_channels, *axes)``."""
        if x.dim() != self.ndim + 2 or x.shape[1] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__}: expected (N, {self.in_channels}, "
                f"{self.axes}), got shape {tuple(x.shape)}"
            )

    def run_stages(self, x: Tensor) -> Tensor:
        for index, stage in enumerate(self.stages):
            if self.with_cp and self.training and index >= self.frozen_stages:
                x = run_recomputed(stage, x)
            else:
                x = stage(x)  # (N, C', *smaller_axes)
        return x

    def forward(self, x: Tensor) -> Tensor:
        self.check_input(x)
        return self.run_stages(x)

    def train(self, mode: bool = True) -> ConvTrunk:
        super().train(mode)
        if mode:
            for stage in self.stages[: self.frozen_stages]:
                stage.eval()
            if self.norm_eval:
                freeze_norm_statistics(self)
        return self


ArchT = TypeVar("ArchT")


def pick_arch(
    owner: str, archs: Mapping[str, ArchT], arch: str | None, stages: object, own: ArchT
) -> ArchT:
    """The network called ``arch``, or ``own``, made of ``stages``.

    Raises:
        ValueError: Not exactly one of the two is given, or the name is unknown.
    """
    if (stages is None) == (arch is None):
        raise ValueError(f"{owner}: give either stages or arch")
    if arch is None:
        return own
    if arch not in archs:
        raise ValueError(f"{owner}: arch is {arch!r}, must be one of {sorted(archs)}")
    return archs[arch]


def split_stage(stage: Mapping, pool_keys: Sequence[str]) -> tuple[list[dict], dict]:
    """The configs of a stage's blocks, and of its pooling."""
    cfg = dict(stage)
    pool = {key: cfg.pop(key, None) for key in pool_keys}
    if "blocks" in cfg:
        blocks = [dict(block) for block in cfg.pop("blocks")]
        if cfg or not blocks:
            raise ValueError(
                f"beside a non-empty 'blocks' a stage has only {sorted(pool_keys)}, "
                f"got {sorted(cfg)} and {len(blocks)} blocks"
            )
        return blocks, pool
    num_blocks = cfg.pop("num_blocks", 1)
    if num_blocks < 1:
        raise ValueError(f"num_blocks must be at least 1, got {num_blocks}")
    if "channels" not in cfg:
        raise ValueError("expected 'blocks' or 'channels'")
    cfg["type"] = cfg.pop("block", "ConvBlock")
    stride = cfg.pop("stride", 1)
    return [dict(cfg, stride=stride), *(dict(cfg) for _ in range(num_blocks - 1))], pool
