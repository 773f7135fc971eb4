"""The order of a kernel's axes in TensorFlow and Keras, brought into torch's."""

from __future__ import annotations

from torch import Tensor


def from_tensorflow(kernel: Tensor) -> Tensor:
    """A kernel of a convolution or of a dense layer in torch's order of axes.

    TensorFlow has the axes it slides over first, then input and output channels (WIO,
    HWIO, DHWIO; a dense layer: IO); torch has output and input channels first.

    Args:
        kernel: ``(*axes, in_channels, out_channels)``.

    Returns:
        ``(out_channels, in_channels, *axes)``, a view.
    """
    axes = range(kernel.dim() - 2)
    return kernel.permute(kernel.dim() - 1, kernel.dim() - 2, *axes)
