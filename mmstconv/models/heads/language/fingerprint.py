"""Which language model this is, whatever file its weights came from."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

SAMPLED = 64  # values of a tensor


@torch.no_grad()
def fingerprint(model: nn.Module) -> Tensor:
    """Sha256 of names, shapes and some values of all parameters, uint8 ``(32,)``.

    Of each parameter at most ``SAMPLED`` values count, in equal distances, so that it
    costs as little for a large model.
    """
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        flat = parameter.detach().flatten()
        some = flat[:: max(1, flat.numel() // SAMPLED)][:SAMPLED]
        digest.update(some.float().cpu().numpy().tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)
