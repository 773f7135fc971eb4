"""Run a stream on those rows of a batch that have its modality."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..layers import to_device


def run_present_rows(
    stream: nn.Module,
    x: Tensor,
    present: Tensor,
    out_channels: int,
    data_samples: Sequence | None = None,
    *,
    maps: bool = False,
) -> tuple[Tensor, dict]:
    """Features of the present rows; zeros elsewhere.

    Absent rows never enter the stream, so that what they hold can change neither
    the scores nor the statistics of a batch norm. In a graph that is exported or
    compiled for evaluation, where the number of rows may not depend on data, all rows
    enter and the absent ones are put to zero behind it.

    If no row is present the stream is not run. The zeros then still depend on its
    parameters, with zero gradient: distributed training waits for the gradient of
    every parameter on every rank.

    Args:
        stream: Gives ``(N, T', D)`` and a dict of auxiliary losses.
        x: ``(N, ...)``.
        present: ``(N,)``, boolean; on the host, so that its count is known at once.
        out_channels: D, for when the stream does not run.
        data_samples: N data samples for a neck that has a loss of its own.
        maps: Give the backbone's maps ``(N, D, T', H', W')`` or ``(N, D, L')``
            instead; the neck does not run.

    Returns:
        ``(N, T', D)``, where T' is 1 if no row is present, and the losses. Maps are
        a single point then.
    """
    run = (lambda x, _: (stream.backbone(x), {})) if maps else stream
    if torch.compiler.is_compiling() and not stream.training:
        feat, loss_aux = run(x, data_samples)
        here = present.to(feat.device).view(-1, *[1] * (feat.dim() - 1))
        return torch.where(here, feat, feat.new_zeros(())), loss_aux
    if present.all():
        return run(x, data_samples)
    rows = present.nonzero()[:, 0]
    if not len(rows):
        zeros = _zeros_of_idle_stream(stream, x, out_channels)  # (N, 1, D)
        if maps:
            zeros = zeros.view(len(x), out_channels, *[1] * (x.dim() - 2))
        return zeros, {}
    if data_samples is not None:
        data_samples = [data_samples[row] for row in rows.tolist()]
    index = to_device(rows, x.device)
    feat, loss_aux = run(x[index], data_samples)  # (rows, T', D)
    out = feat.new_zeros((len(present), *feat.shape[1:]))  # (N, T', D)
    return out.index_copy(0, index, feat), loss_aux


def _zeros_of_idle_stream(stream: nn.Module, x: Tensor, out_channels: int) -> Tensor:
    parameters = list(stream.parameters())
    dtype = parameters[0].dtype if parameters else torch.get_default_dtype()
    zeros = torch.zeros((x.shape[0], 1, out_channels), dtype=dtype, device=x.device)
    if stream.training and _has_synchronised_norm(stream.backbone):
        # The norms of the other ranks wait for this rank's count of zero. These
        # parameters then get their zero gradient in the order of a working stream.
        zeros = zeros + stream.backbone(x[:0]).sum() * 0
        done = {id(parameter) for parameter in stream.backbone.parameters()}
        parameters = [one for one in parameters if id(one) not in done]
    for parameter in parameters:
        if parameter.requires_grad:
            zeros = zeros + parameter.reshape(-1)[:1].sum() * 0
    return zeros  # (N, 1, D)


def _has_synchronised_norm(module: nn.Module) -> bool:
    return any(isinstance(child, nn.SyncBatchNorm) for child in module.modules())
