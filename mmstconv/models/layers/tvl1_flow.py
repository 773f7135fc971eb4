"""Optical flow of many frames at once, on whatever device they are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

# IPOL's values for images from 0 to 255; the counts are lower than there. See
# docs/performance.md for the accuracy.
DATA_WEIGHT = 0.15  # lambda
COUPLING = 0.3  # theta
STEP = 0.25  # tau
LEVELS = 4  # motions up to about 2 ** LEVELS pixels
WARPS = 3  # at each level
ITERATIONS = 5  # after each warp
SMALLEST = 8  # side of the coarsest level
GREY = (0.299, 0.587, 0.114)


@MODELS.register_module()
class TVL1Flow(BaseModule):
    """The flow from each frame to the next, coarse to fine.

    `A Duality Based Approach for Realtime TV-L1 Optical Flow
    <https://doi.org/10.1007/978-3-540-74936-3_22>`_, with the parameters of `TV-L1
    Optical Flow Estimation <https://doi.org/10.5201/ipol.2013.26>`_: an image that
    changes its brightness little along the flow (in the L1 norm, so that what is
    covered counts little), and a flow of small total variation (which keeps edges).

    All pairs of frames run together and each step is an operation on the whole batch;
    none waits for a value. It stays in float32 under autocast, and has no weights.

    Unit and levels are those of ``ComputeFlow``: pixels per frame, rounded to 255
    levels between the bounds, zero among them.

    Args:
        bound: Largest flow in pixels.
        shrink: Give the mean over squares of so many pixels a side, in pixels of that
            size, as ``ComputeFlow`` does.
        init_cfg: Initialisation config.

    Shape:
        - Input: RGB of 0 to 255, ``(N, 3, T + 1, H, W)``, of any type.
        - Output: float32 ``(N, 2, T, H / shrink, W / shrink)``, x then y.
    """

    def __init__(
        self, *, bound: float = 20.0, shrink: int = 1, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if isinstance(shrink, bool) or not isinstance(shrink, int) or shrink < 1:
            raise ValueError(f"shrink must be a positive integer, got {shrink!r}")
        if not bound > 0:
            raise ValueError(f"bound must be a positive number, got {bound!r}")
        self.bound = float(bound)
        self.shrink = shrink

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        if frames.dim() != 5 or frames.shape[1] != 3 or frames.shape[2] < 2:
            raise ValueError(
                "TVL1Flow: expected RGB frames (N, 3, T + 1, H, W), got shape "
                f"{tuple(frames.shape)}"
            )
        with torch.autocast(frames.device.type, enabled=False):
            red, green, blue = frames.float().unbind(1)  # each (N, T + 1, H, W)
            grey = GREY[0] * red + GREY[1] * green + GREY[2] * blue
            flow = estimate(smooth(grey))  # (N * T, 2, H, W)
            if self.shrink > 1:
                flow = F.avg_pool2d(flow, self.shrink) / self.shrink
            flow = flow.unflatten(0, (len(frames), -1)).transpose(1, 2)
            return quantize(flow, self.bound)  # (N, 2, T, H, W)


def quantize(flow: Tensor, bound: float) -> Tensor:
    """Rounds to multiples of ``2 * bound / 255`` within ``bound``."""
    step = 2 * bound / 255
    return (flow / step).round().clamp(-127, 127) * step


def estimate(grey: Tensor) -> Tensor:
    """Flow ``(N * T, 2, H, W)`` of grey frames ``(N, T + 1, H, W)``."""
    flow = None
    for level in reversed(list(pyramid(grey))):
        first = level[:, :-1].flatten(0, 1)[:, None]  # (N * T, 1, h, w)
        second = level[:, 1:].flatten(0, 1)[:, None]
        height, width = first.shape[-2:]
        if flow is None:
            flow = first.new_zeros((len(first), 2, height, width))
        else:
            x, y = resize(flow, height, width).split(1, dim=1)
            scale_x, scale_y = width / flow.shape[-1], height / flow.shape[-2]
            flow = torch.cat([x * scale_x, y * scale_y], dim=1)
        flow = median(refine(first, second, flow))
    return flow


def refine(first: Tensor, second: Tensor, flow: Tensor) -> Tensor:
    """Flow of one level, starting from that of the coarser level."""
    threshold = DATA_WEIGHT * COUPLING
    dual_x = torch.zeros_like(flow)  # of the derivatives of both channels along x
    dual_y = torch.zeros_like(flow)
    slope = image_gradient(first)  # (B, 2, h, w)
    for _ in range(WARPS):
        warped, inside = warp(second, flow)  # (B, 1, h, w)
        # The gradient of the mean of both images needs fewer iterations.
        gradient = (slope + image_gradient(warped)) * (0.5 * inside)
        power = gradient.square().sum(1, keepdim=True) + 1e-4
        rest = (warped - first) * inside - (gradient * flow).sum(1, keepdim=True)
        for _ in range(ITERATIONS):
            residual = rest + (gradient * flow).sum(1, keepdim=True)
            flow = flow - gradient * (residual / power).clamp(-threshold, threshold)
            flow = flow + COUPLING * divergence(dual_x, dual_y)
            along_x, along_y = differences(flow)
            length = (along_x.square() + along_y.square()).sqrt()
            shrink = 1 / (1 + STEP / COUPLING * length)
            dual_x = (dual_x + STEP / COUPLING * along_x) * shrink
            dual_y = (dual_y + STEP / COUPLING * along_y) * shrink
    return flow


def pyramid(grey: Tensor) -> Iterator[Tensor]:
    """The frames, and their halves as long as those are large enough."""
    yield grey
    for _ in range(LEVELS - 1):
        height, width = ((side + 1) // 2 for side in grey.shape[-2:])
        if min(height, width) < SMALLEST:
            return
        grey = resize(grey, height, width)
        yield grey


def resize(x: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True)


def warp(image: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """What ``image`` shows where the flow leads, and 1 where that is inside of it."""
    height, width = image.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[:, 0]  # (B, h, w)
    y = torch.arange(height, device=flow.device)[:, None] + flow[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    warped = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return warped, inside[:, None].to(flow.dtype)


def smooth(x: Tensor) -> Tensor:
    """Gaussian of deviation 0.7 over three pixels, against noise and aliasing."""
    side, middle = 0.21, 0.58
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = side * (x[..., :-2] + x[..., 2:]) + middle * x[..., 1:-1]
    return side * (x[..., :-2, :] + x[..., 2:, :]) + middle * x[..., 1:-1, :]


def image_gradient(image: Tensor) -> Tensor:
    """Central differences, x then y: ``(B, 1, h, w)`` to ``(B, 2, h, w)``."""
    x = F.pad(image, (1, 1, 0, 0), mode="replicate")
    y = F.pad(image, (0, 0, 1, 1), mode="replicate")
    along_x = x[..., 2:] - x[..., :-2]
    along_y = y[..., 2:, :] - y[..., :-2, :]
    return torch.cat([along_x, along_y], dim=1) / 2


def differences(x: Tensor) -> tuple[Tensor, Tensor]:
    """To the next pixel along x and y; zero at the last."""
    along_x = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    along_y = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return along_x, along_y


def divergence(x: Tensor, y: Tensor) -> Tensor:
    """Minus the adjoint of :func:`differences`, of what is zero at the last pixel."""
    along_x = x - F.pad(x[..., :-1], (1, 0))
    along_y = y - F.pad(y[..., :-1, :], (0, 0, 1, 0))
    return along_x + along_y


def median(x: Tensor) -> Tensor:
    """Of 3 x 3 pixels: takes single wrong vectors out."""
    height, width = x.shape[-2:]
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    columns = [x[..., row : row + height, :] for row in range(3)]
    low, middle, high = sort3(*columns)  # each (B, 2, h, w + 2)
    low, middle, high = (
        [one[..., start : start + width] for start in range(3)]
        for one in (low, middle, high)
    )
    largest_low = torch.maximum(torch.maximum(low[0], low[1]), low[2])
    smallest_high = torch.minimum(torch.minimum(high[0], high[1]), high[2])
    _, middle_middle, _ = sort3(*middle)
    _, result, _ = sort3(largest_low, middle_middle, smallest_high)
    return result


def sort3(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Element by element: the lowest, the middle and the highest."""
    a, b = torch.minimum(a, b), torch.maximum(a, b)
    b, c = torch.minimum(b, c), torch.maximum(b, c)
    a, b = torch.minimum(a, b), torch.maximum(a, b)
    return a, b, c
