"""Mean over space of any feature map, keeping time."""

from __future__ import annotations

from torch import Tensor


def pool_space(x: Tensor) -> Tensor:
    """Average everything behind the time axis away.

    A backbone that has pooled time itself, ``(N, C)``, gives a single time step.

    Args:
        x: ``(N, C, T, *space)``, ``(N, C, T)`` or ``(N, C)``.

    Returns:
        ``(N, T, C)``.

    Raises:
        TypeError: ``x`` is not one tensor, as with multi-level backbones.
        ValueError: ``x`` has fewer than two axes.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"expected one feature map (a tensor), got {type(x).__name__}; give the "
            "backbone a single out_indices, or a neck that joins its levels"
        )
    if x.dim() < 2:
        raise ValueError(f"expected (N, C, T, *space), got shape {tuple(x.shape)}")
    if x.dim() == 2:
        x = x[:, :, None]  # (N, C, 1)
    if x.dim() > 3:
        x = x.flatten(3).mean(3)  # (N, C, T)
    return x.transpose(1, 2)  # (N, T, C)
