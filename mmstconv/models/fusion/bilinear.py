"""Fusion by a compact outer product."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from ..layers import at_least_float32
from .base import FusionOperator


@MODELS.register_module()
class CompactBilinearFusion(FusionOperator):
    """A random sketch of the outer product of all modalities.

    `Compact Bilinear Pooling <https://arxiv.org/abs/1511.06062>`_, algorithm 2
    (Tensor Sketch), between modalities as in `Multimodal Compact Bilinear Pooling
    <https://arxiv.org/abs/1606.01847>`_, instead of the bilinear fusion of
    `Feichtenhofer et al. <https://arxiv.org/abs/1604.06573>`_ whose size is the
    product of all channels.

    A count sketch sends channel i to bucket h(i) with sign s(i); the sketch of an
    outer product is the circular convolution of the sketches, a product after the
    Fourier transform. A constant 1 is appended to every modality, always in bucket 0
    with sign +, so the outer product also holds every modality alone and every pair,
    and an absent modality is the neutral factor. Inner products of outputs (before
    ``normalize``) have the expectation ``prod_m (<x_m, y_m> + 1)``. Up to the random
    hashes it is invariant to the order of modalities.

    Args:
        in_channels: Channels of each modality.
        channels: Buckets: the error of inner products falls with their root.
        normalize: Signed square root and unit norm as in the paper, the norm times
            the root of ``channels``: the mean square of the output is 1. The
            root is ``x / sqrt(|x| + 1e-4)``, whose slope at zero is finite.
        seed: Of the hashes, which are kept with the weights.
        learned_absent: A learned embedding instead of zeros for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, channels)``, float32 under autocast.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        channels: int = 1024,
        normalize: bool = True,
        seed: int = 0,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.normalize = normalize
        generator = torch.Generator().manual_seed(seed)
        for name, width in self.in_channels.items():
            bucket = torch.randint(channels, (width,), generator=generator)
            sign = torch.randint(2, (width,), generator=generator) * 2.0 - 1.0
            self.register_buffer(f"bucket_{name}", bucket)
            self.register_buffer(f"sign_{name}", sign)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        product = None
        for name in self.modalities:
            factor = torch.fft.rfft(self.sketch(name, feats[name]))
            product = factor if product is None else product * factor
        y = torch.fft.irfft(product, n=self.out_channels)  # (N, T, C)
        if self.normalize:
            y = y * (y.abs() + 1e-4).rsqrt()
            y = F.normalize(y, dim=-1) * self.out_channels**0.5
        return y

    def sketch(self, name: str, x: Tensor) -> Tensor:
        """Count sketch of ``[x; 1]``: ``(N, T, D_m)`` to ``(N, T, channels)``."""
        x = at_least_float32(x)  # there is no FFT in half precision
        x = x * getattr(self, f"sign_{name}").to(x.dtype)
        y = x.new_zeros((*x.shape[:-1], self.out_channels))
        y[..., 0] = 1.0
        return y.index_add(-1, getattr(self, f"bucket_{name}"), x)
