"""Batch norm of few channels in several threads of a CPU.

PyTorch's kernels for channels-last layouts add each channel up in rows of float32 sums,
one row a thread, side by side in memory. Where a row does not fill cache lines of 64
bytes, threads write to one line in turn: of 12 or 24 channels the backward pass takes
longer in two threads than in one (row 16d of docs/performance.md). Here several
positions are taken for one with so many times the channels, so that rows fill whole
lines, and the sums of a channel are put together at the end. Found with torch 2.13.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .cpu_convolutions import CHANNELS_LAST

LINE = 16  # float32 numbers in a cache line


def fill_lines() -> None:
    """Let threads share no cache lines in batch norm, from here on.

    In that of ``torch.nn.functional``, which modules call, in training, of float32
    tensors laid out channels-last whose channels do not fill lines; all others stay as
    they were. What comes out is the same up to rounding; its gradients cannot be
    differentiated again.
    """
    if not hasattr(F.batch_norm, "__wrapped__"):
        F.batch_norm = _filling(F.batch_norm)


def _filling(normalize: Callable) -> Callable:
    """Batch norm that takes several positions for one where lines are shared."""

    @wraps(normalize)
    def filled(
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        affine = weight is not None and bias is not None
        if not (training and affine and _shares_lines(input)):
            return normalize(
                input, running_mean, running_var, weight, bias, training, momentum, eps
            )
        y, mean, var = _FilledBatchNorm.apply(input, weight, bias, eps)
        if running_mean is not None:
            values = input.numel() // input.shape[1]
            with torch.no_grad():
                running_mean.lerp_(mean, momentum)
                running_var.lerp_(var * (values / (values - 1)), momentum)
        return y

    return filled


def _shares_lines(x: Tensor) -> bool:
    """Whether threads share lines, and whole numbers of positions fill them."""
    return (
        x.device.type == "cpu"
        and x.dtype is torch.float32
        and x.dim() in CHANNELS_LAST
        and x.shape[1] % LINE > 0
        and not x.is_contiguous()
        and x.is_contiguous(memory_format=CHANNELS_LAST[x.dim()])
        and x.numel() > 0
        and x.numel() % math.lcm(LINE, x.shape[1]) == 0
        and torch.get_num_threads() > 1
        and not torch.compiler.is_compiling()
    )


class _FilledBatchNorm(torch.autograd.Function):
    """Ioffe and Szegedy 2015, algorithm 1, of several positions at once.

    Shape:
        - Input: ``(N, C, *axes)``, weight and bias ``(C,)``.
        - Output: ``(N, C, *axes)``, and mean and variance ``(C,)``.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float):
        rows, times = _rows_of(x)  # (positions / times, times * C)
        means, variances = torch.batch_norm_update_stats(rows, None, None, 0.0)
        means, variances = means.view(times, -1), variances.view(times, -1)
        mean = means.mean(0)
        var = variances.mean(0) + (means - mean).square().mean(0)
        y = torch.empty_like(x)  # not a view, which activations in place refuse
        torch.native_batch_norm(
            rows,
            *(t.repeat(times) for t in (weight, bias, mean, var)),
            False,
            0.0,
            eps,
            out=(_rows_of(y)[0], rows.new_empty(0), rows.new_empty(0)),
        )
        ctx.save_for_backward(x, weight, mean, var)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        return y, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor, *_):
        x, weight, mean, var = ctx.saved_tensors
        rows, times = _rows_of(x)
        grads, _ = _rows_of(grad)
        # of constant statistics: the sums of dy, and of dy times what was normalized
        _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            grads,
            rows,
            *(t.repeat(times) for t in (weight, mean, var)),
            None,
            None,
            False,
            ctx.eps,
            [False, True, True],
        )
        by_weight, by_bias = (t.view(times, -1).sum(0) for t in (by_weight, by_bias))
        values = x.numel() // x.shape[1]
        inverse = (var + ctx.eps).rsqrt()
        of_grad = weight * inverse
        of_x = -of_grad * inverse * by_weight / values
        constant = -of_grad * by_bias / values - of_x * mean
        by_x = torch.addcmul(constant.repeat(times), rows, of_x.repeat(times))
        by_x.addcmul_(grads, of_grad.repeat(times))
        by_x = by_x.view(x.movedim(1, -1).shape).movedim(-1, 1)
        return by_x, by_weight, by_bias, None


def _rows_of(x: Tensor) -> tuple[Tensor, int]:
    """``(N, C, *axes)`` as rows that fill lines, and how many positions a row has."""
    times = LINE // math.gcd(LINE, x.shape[1])
    return x.movedim(1, -1).reshape(-1, times * x.shape[1]), times
