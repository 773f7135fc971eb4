"""Random weights that make every detail of a network show in its output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def randomise(net: nn.Module, clip: tuple[int, ...] | None = None, seed: int = 0):
    """Fill a network in place and return it in evaluation mode.

    Nets with norms need the shape of a ``clip``: each norm gets the statistics of what
    reaches it from there, disturbed, so that activations keep their scale through many
    layers. Weights are small: variances come near enough to eps for eps to count.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(shape: torch.Size, low: float, high: float) -> Tensor:
        return torch.rand(shape, generator=generator) * (high - low) + low

    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            gain = 0.2 if norms else 1.4
            std = gain / module.weight[0].numel() ** 0.5
            module.weight.normal_(0, std, generator=generator)
            if module.bias is not None:
                module.bias.copy_(uniform(module.bias.shape, -0.2, 0.2))
        elif isinstance(module, _BatchNorm):
            module.weight.copy_(uniform(module.weight.shape, 0.5, 1.5))
            module.bias.copy_(uniform(module.bias.shape, -0.3, 0.3))

    def measure(norm: _BatchNorm, args: tuple[Tensor]) -> None:
        x = args[0].transpose(0, 1).flatten(1)
        mean, var = x.mean(1), x.var(1).clamp(min=1e-3)
        shift = uniform(mean.shape, -0.3, 0.3) * var.sqrt()
        norm.running_mean.copy_(mean + shift)
        norm.running_var.copy_(var * uniform(var.shape, 0.5, 1.5))

    net.eval()
    if norms:
        hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
        net.features(torch.randn(clip, generator=generator))
        for hook in hooks:
            hook.remove()
    return net


def random_clip(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def relative_error(got: Tensor, wanted: Tensor) -> float:
    """Largest difference over the largest value; the shapes must be the same."""
    assert got.shape == wanted.shape, f"{tuple(got.shape)} != {tuple(wanted.shape)}"
    return ((got - wanted).abs().max() / wanted.abs().max()).item()
