"""How far a forecast is from the truth: losses of frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ..layers import at_least_float32

# Of SSIM, as in its paper: a Gaussian of 11 pixels and deviation 1.5.
WINDOW, DEVIATION, K1, K2 = 11, 1.5, 0.01, 0.03


class FrameLoss(BaseModule):
    """A mean over samples, channels, frames and pixels, in float32 or more.

    Subclasses say :meth:`error`.

    Args:
        weight: That the model multiplies it with.

    Shape:
        - Input: forecast and truth, each ``(N, C, T, H, W)`` in 0..1.
        - Output: a number.
    """

    name: str  # in the dictionary of losses

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = float(weight)

    def forward(self, forecast: Tensor, truth: Tensor) -> Tensor:
        with torch.autocast(forecast.device.type, enabled=False):
            return self.error(at_least_float32(forecast), at_least_float32(truth))

    def error(self, forecast: Tensor, truth: Tensor) -> Tensor:
        raise NotImplementedError


@MODELS.register_module()
class FrameMSELoss(FrameLoss):
    """Squared error.

    Its best forecast of an open future is the mean of what may come.
    """

    name = "loss_mse"

    def error(self, forecast: Tensor, truth: Tensor) -> Tensor:
        return F.mse_loss(forecast, truth)


@MODELS.register_module()
class FrameL1Loss(FrameLoss):
    """Absolute error. Its best forecast of an open future is the median."""

    name = "loss_l1"

    def error(self, forecast: Tensor, truth: Tensor) -> Tensor:
        return F.l1_loss(forecast, truth)


@MODELS.register_module()
class FrameSSIMLoss(FrameLoss):
    """One minus the structural similarity of each frame.

    `Image Quality Assessment: From Error Visibility to Structural Similarity
    <https://doi.org/10.1109/TIP.2003.819861>`_: Gaussian window of 11 pixels and
    deviation 1.5, K = (0.01, 0.03), range 1, channel by channel, where the window lies
    within the frame.

    Shape:
        - Input: as of :class:`FrameLoss`, H and W of at least 11.
        - Output: a number.
    """

    name = "loss_ssim"

    def error(self, forecast: Tensor, truth: Tensor) -> Tensor:
        x, y = (
            one.transpose(1, 2).reshape(-1, 1, *one.shape[-2:])
            for one in (forecast, truth)
        )  # (N * T * C, 1, H, W)
        mean_x, mean_y = _smooth(x), _smooth(y)
        var_x = _smooth(x * x) - mean_x**2
        var_y = _smooth(y * y) - mean_y**2
        both = _smooth(x * y) - mean_x * mean_y
        c1, c2 = K1**2, K2**2
        ssim = (2 * mean_x * mean_y + c1) * (2 * both + c2)
        ssim = ssim / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
        return 1 - ssim.mean()


@MODELS.register_module()
class GradientDifferenceLoss(FrameLoss):
    """Difference of the sizes of the steps from pixel to pixel: against blur.

    `Deep multi-scale video prediction beyond mean square error
    <https://arxiv.org/abs/1511.05440>`_, equation 6 with alpha 1, as a mean.
    """

    name = "loss_gdl"

    def error(self, forecast: Tensor, truth: Tensor) -> Tensor:
        return sum(
            F.l1_loss(forecast.diff(dim=axis).abs(), truth.diff(dim=axis).abs())
            for axis in (-1, -2)
        )


def _smooth(x: Tensor) -> Tensor:
    """Gaussian mean ``(B, 1, H - 10, W - 10)`` of ``(B, 1, H, W)``."""
    place = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    weight = torch.exp(-(place**2) / (2 * DEVIATION**2))
    weight = weight / weight.sum()
    x = F.conv2d(x, weight.view(1, 1, -1, 1))
    return F.conv2d(x, weight.view(1, 1, 1, -1))
