"""Whether two models have the same streams, told by a short text."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from .comparing import is_counter


def stream_digest(model: nn.Module) -> str:
    """A digest of all that the aligned features of a recognizer depend on.

    These are the weights of its streams and their layers' settings, what the
    preprocessor subtracts and divides by, and the joint's number of steps. The rest of
    the joint, and the head, may differ.

    Args:
        model: A ``TriModalRecognizer``, on any device.
    """
    digest = hashlib.sha256()

    def add(*texts: object) -> None:
        digest.update("\n".join(map(str, texts)).encode() + b"\0")

    for name, layer in model.streams.named_modules():
        add(name, type(layer).__name__, layer.extra_repr())
    for name, value in sorted(model.streams.state_dict().items()):
        if not is_counter(name):
            add(name, value.dtype, tuple(value.shape))
            plain = value.detach().cpu().contiguous().flatten()
            digest.update(plain.view(torch.uint8).numpy().data)
    parts = getattr(model.data_preprocessor, "preprocessors", {})
    for name in model.streams:
        if name in parts:
            numbers = [
                (k, b.flatten().tolist()) for k, b in parts[name].named_buffers()
            ]
            add(name, sorted(numbers))
    add("flow", type(getattr(model.data_preprocessor, "flow", None)).__name__)
    add("steps", model.joint.steps)
    return digest.hexdigest()[:32]
