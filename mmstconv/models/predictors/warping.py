"""Pictures moved along fields of motion."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layers import at_least_float32


def displaced(image: Tensor, field: Tensor) -> Tensor:
    """What an image shows where a field leads to from each pixel.

    Beyond its edges an image goes on as at the edge.

    Args:
        image: ``(B, C, H, W)``.
        field: ``(B, 2, H, W)``, x then y, in pixels.
    """
    height, width = image.shape[-2:]
    x = torch.arange(width, device=field.device, dtype=field.dtype) + field[:, 0]
    y = torch.arange(height, device=field.device, dtype=field.dtype)[:, None]
    y = y + field[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)


def warped_along(image: Tensor, fields: Tensor) -> Tensor:
    """An image moved step by step.

    Each field says where a pixel of its step comes from in the step before. The way
    back is followed through all of them to the image, which is read once, so it does
    not blur with the number of steps (the semi-Lagrangian scheme of `Skilful nowcasting
    of extreme precipitation with NowcastNet
    <https://doi.org/10.1038/s41586-023-06184-4>`_ with the whole way as one field).

    Args:
        image: ``(B, C, H, W)``.
        fields: ``(B, F, 2, H, W)``, in pixels from step to step.

    Returns:
        ``(B, F, C, H, W)``.
    """
    fields = at_least_float32(fields)  # a place in a picture needs more than 8 bits
    whole = torch.zeros_like(fields[:, 0])
    picture = at_least_float32(image)
    frames = []
    for field in fields.unbind(1):
        whole = field + displaced(whole, field)
        frames.append(displaced(picture, whole))
    return torch.stack(frames, dim=1).to(image.dtype)
