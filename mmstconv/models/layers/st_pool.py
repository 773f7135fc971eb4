"""Spatio-temporal pooling in two separate steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from .pooling import Pool

_KEYS = ("mode", "size", "stride", "padding")


def _pairs(value: int | Sequence[int]) -> tuple:
    return (value, value) if isinstance(value, int) else tuple(value)


def _padding(value: int | Sequence[int] | str, per_axis: Callable) -> tuple | str:
    return value if value == "same" else per_axis(value)


def read_pool(cfg: Mapping, name: str) -> dict:
    """Check one pooling config and fill in what it leaves out.

    Args:
        cfg: ``dict(mode='max' | 'avg', size, stride=size, padding=0)``; ``padding``
            may be ``'same'``.
        name: What the error message calls this config.

    Returns:
        The four values ``mode``, ``size``, ``stride`` and ``padding``.

    Raises:
        ValueError: A key is unknown, or ``mode`` or ``size`` is missing.
    """
    unknown = set(cfg) - set(_KEYS)
    missing = {"mode", "size"} - set(cfg)
    if unknown or missing:
        raise ValueError(
            f"{name}: expected keys {_KEYS} of which 'mode' and 'size' must be "
            f"there, got {sorted(cfg)}"
        )
    size = cfg["size"]
    return dict(
        mode=cfg["mode"],
        size=size,
        stride=cfg.get("stride", size),
        padding=cfg.get("padding", 0),
    )


class SpatioTemporalPool(nn.Module):
    """Temporal pooling, then spatial pooling, each of its own kind.

    Two steps because the two axes ask for different things: how fast time may be
    thrown away depends on the motion, space on the size of what is seen.

    Args:
        temporal: ``dict(mode, size, stride=size, padding=0)`` with integers, or
            None to keep time as it is. ``mode`` is ``'max'`` or ``'avg'``;
            ``padding`` may be ``'same'``.
        spatial: The same over height and width, integers or ``(h, w)`` pairs.

    Shape:
        - Input: ``(N, C, T, H, W)``.
        - Output: ``(N, C, T', H', W')``.

    Example:
        >>> pool = SpatioTemporalPool(
        ...     temporal=dict(mode="avg", size=2), spatial=dict(mode="max", size=2)
        ... )
        >>> pool(torch.rand(1, 8, 16, 56, 56)).shape
        torch.Size([1, 8, 8, 28, 28])
    """

    def __init__(
        self,
        *,
        temporal: Mapping | None = None,
        spatial: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.temporal: nn.Module = nn.Identity()
        self.spatial: nn.Module = nn.Identity()
        if temporal is not None:
            cfg = read_pool(temporal, "temporal pooling")
            self.temporal = Pool(
                mode=cfg["mode"],
                size=(cfg["size"], 1, 1),
                stride=(cfg["stride"], 1, 1),
                padding=_padding(cfg["padding"], lambda pad: (pad, 0, 0)),
                name="temporal pooling",
            )
        if spatial is not None:
            cfg = read_pool(spatial, "spatial pooling")
            self.spatial = Pool(
                mode=cfg["mode"],
                size=(1, *_pairs(cfg["size"])),
                stride=(1, *_pairs(cfg["stride"])),
                padding=_padding(cfg["padding"], lambda pad: (0, *_pairs(pad))),
                name="spatial pooling",
            )

    def forward(self, x: Tensor) -> Tensor:
        x = self.temporal(x)  # (N, C, T', H, W)
        return self.spatial(x)  # (N, C, T', H', W')
