"""LPIPS, where the package that computes it is installed."""

from __future__ import annotations

import numpy as np

from .arrays import as_pair

ADVICE = (
    "LPIPS needs the packages lpips and torchvision, and AlexNet's weights, which "
    "torchvision fetches once; leave lpips out of the metric where they are not there"
)


class PerceptualDistance:
    """`LPIPS <https://arxiv.org/abs/1801.03924>`_ of frames, with AlexNet.

    Smaller is better. Predictions are clipped to 0..1 first; a single channel is taken
    for grey. Frames go through the network as they are, at their size.

    Raises:
        ImportError: A package is not there, or does not fit the installed PyTorch.
    """

    def __init__(self) -> None:
        try:
            import lpips
        except (ImportError, RuntimeError) as error:  # torchvision's operators
            raise ImportError(f"{ADVICE} ({error})") from error
        self.network = lpips.LPIPS(net="alex", verbose=False).eval()

    def __call__(self, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
        """The distance of each frame: ``(C, T, H, W)`` twice to ``(T,)``."""
        import torch

        pair = as_pair(predicted, true, clip=True)
        images = [
            torch.from_numpy(2 * one.swapaxes(0, 1) - 1).float().expand(-1, 3, -1, -1)
            for one in pair
        ]  # (T, 3, H, W) in -1..1
        with torch.inference_mode():
            return self.network(*images).reshape(-1).numpy().astype(np.float64)
