"""Weights for another number of axes or of input channels."""

from __future__ import annotations

from torch import Tensor


def inflate(weight: Tensor, length: int) -> Tensor:
    """A 2D kernel as a 3D one that answers a still video as before.

    Repeated over time and divided by the length (I3D, `Quo Vadis, Action
    Recognition? <https://arxiv.org/abs/1705.07750>`_, section 2.2).

    Args:
        weight: ``(out, in, H, W)``.
        length: Length of the kernel over time.

    Shape:
        - Output: ``(out, in, length, H, W)``.

    Raises:
        ValueError: The kernel is not 2D, or the length is not positive.
    """
    if weight.dim() != 4:
        raise ValueError(
            f"inflate: expected a 2D kernel (out, in, H, W), got {tuple(weight.shape)}"
        )
    if length < 1:
        raise ValueError(f"inflate: length must be at least 1, got {length}")
    return weight.unsqueeze(2).repeat(1, 1, length, 1, 1) / length


def adapt_input(weight: Tensor, in_channels: int) -> Tensor:
    """A first convolution for another number of input channels.

    Each channel gets the mean over the old ones, as TSN (`Temporal Segment Networks
    <https://arxiv.org/abs/1608.00859>`_, "cross modality pre-training") and TBN
    (`EPIC-Fusion <https://arxiv.org/abs/1908.08498>`_) start flow and sound from RGB.
    The sum is not kept: with 2 channels for 3, equal inputs answer 2/3 of before.

    Args:
        weight: ``(out, in, *kernel)``.
        in_channels: Channels of the new input.

    Shape:
        - Output: ``(out, in_channels, *kernel)``.

    Raises:
        ValueError: The weight is no kernel, or ``in_channels`` is not positive.
    """
    if weight.dim() < 3:
        raise ValueError(
            "adapt_input: expected a kernel (out, in, ...) with at least one axis, "
            f"got {tuple(weight.shape)}"
        )
    if in_channels < 1:
        raise ValueError(
            f"adapt_input: in_channels must be positive, got {in_channels}"
        )
    mean = weight.mean(dim=1, keepdim=True)
    return mean.repeat(1, in_channels, *[1] * (weight.dim() - 2))
