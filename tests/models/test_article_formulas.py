"""The formulas of the source article, as naive float64 loops, against our layers.

Sections 3.1 (3D convolution), 4.2 (temporal and spatial pooling, max and average)
and 4.3 (LSTM). The sums and maxima are written as in the article, index by index.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from helpers_culprits import for_each

from mmstconv.models import LSTMTemporalNeck, SpatioTemporalPool, STConvNet

TOLERANCE = 1e-10


def relative_error(ours, naive):
    assert tuple(ours.shape) == naive.shape
    return np.abs(ours.detach().numpy() - naive).max() / np.abs(naive).max()


def naive_conv3d(x, w, b, stride):
    """y(i,j,k) = sum_mnp x(i+m-1, j+n-1, k+p-1) w(m,n,p), summed over channels."""
    channels, (M, N, P) = w.shape[0], w.shape[2:]
    sizes = [
        (length - kernel) // step + 1
        for length, kernel, step in zip(x.shape[1:], (M, N, P), stride)
    ]
    y = np.zeros((channels, *sizes))
    for o, i, j, k in itertools.product(range(channels), *map(range, sizes)):
        total = b[o]
        for c, m, n, p in itertools.product(*map(range, (x.shape[0], M, N, P))):
            total += (
                x[c, i * stride[0] + m, j * stride[1] + n, k * stride[2] + p]
                * w[o, c, m, n, p]
            )
        y[o, i, j, k] = total
    return y


@for_each("stride", [(1, 1, 1), (1, 2, 2)])
@for_each("kernel", [(1, 1, 1), (3, 3, 3), (2, 3, 1), (3, 1, 2)])
@for_each("channels", [(1, 1), (2, 3)])
def test_conv3d_of_section_3_1(kernel, channels, stride):
    net = STConvNet(
        [dict(channels=channels[1], kernel_size=kernel, stride=stride, padding=0)],
        in_channels=channels[0],
        norm_cfg=None,
        act_cfg=None,
    ).double()
    conv = net.stages[0].blocks[0].conv
    torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, channels[0], 4, 5, 6, dtype=torch.float64)
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    naive = np.stack([naive_conv3d(one, weight, bias, stride) for one in x.numpy()])
    assert relative_error(net(x), naive) <= TOLERANCE


def naive_pool(x, window, stride, reduce):
    """Max or mean over (P, M, N) windows of (T, H, W), one index at a time."""
    sizes = [
        (length - size) // step + 1
        for length, size, step in zip(x.shape[-3:], window, stride)
    ]
    y = np.zeros((*x.shape[:2], *sizes))
    for n, c, t, i, j in itertools.product(*map(range, y.shape)):
        values = [
            x[n, c, t * stride[0] + p, i * stride[1] + m, j * stride[2] + q]
            for p, m, q in itertools.product(*map(range, window))
        ]
        y[n, c, t, i, j] = reduce(values)
    return y


REDUCE = {"max": max, "avg": lambda values: sum(values) / len(values)}


@for_each("mode", ["max", "avg"])
@for_each("size, stride", [(1, 1), (2, 1), (2, 2), (3, 2)])
def test_temporal_pooling_of_section_4_2(mode, size, stride):
    pool = SpatioTemporalPool(temporal=dict(mode=mode, size=size, stride=stride))
    x = torch.randn(2, 3, 5, 4, 3, dtype=torch.float64)
    naive = naive_pool(x.numpy(), (size, 1, 1), (stride, 1, 1), REDUCE[mode])
    assert relative_error(pool(x), naive) <= TOLERANCE


@for_each("mode", ["max", "avg"])
@for_each("size", [(1, 1), (2, 2), (3, 2)])
@for_each("stride", [(1, 1), (2, 2), (1, 3)])
def test_spatial_pooling_of_section_4_2(mode, size, stride):
    pool = SpatioTemporalPool(spatial=dict(mode=mode, size=size, stride=stride))
    x = torch.randn(2, 3, 2, 5, 6, dtype=torch.float64)
    naive = naive_pool(x.numpy(), (1, *size), (1, *stride), REDUCE[mode])
    assert relative_error(pool(x), naive) <= TOLERANCE


@for_each("spatial", ["max", "avg"])
@for_each("temporal", ["max", "avg"])
def test_temporal_then_spatial_pooling(temporal, spatial):
    pool = SpatioTemporalPool(
        temporal=dict(mode=temporal, size=2), spatial=dict(mode=spatial, size=2)
    )
    x = torch.randn(1, 2, 4, 4, 6, dtype=torch.float64)
    steps = naive_pool(x.numpy(), (2, 1, 1), (2, 1, 1), REDUCE[temporal])
    naive = naive_pool(steps, (1, 2, 2), (1, 2, 2), REDUCE[spatial])
    assert relative_error(pool(x), naive) <= TOLERANCE


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def naive_lstm(x, W, b, hidden):
    """Section 4.3 with W[gate] acting on the joined [h_{t-1}, x_t]."""
    h, C, out = [0.0] * hidden, [0.0] * hidden, []
    for x_t in x:
        joined = [*h, *x_t]
        pre = {
            gate: [
                sum(W[gate][unit][i] * joined[i] for i in range(len(joined)))
                + b[gate][unit]
                for unit in range(hidden)
            ]
            for gate in "fiCo"
        }
        f = [sigmoid(value) for value in pre["f"]]
        i = [sigmoid(value) for value in pre["i"]]
        candidate = [math.tanh(value) for value in pre["C"]]
        C = [f[u] * C[u] + i[u] * candidate[u] for u in range(hidden)]
        o = [sigmoid(value) for value in pre["o"]]
        h = [o[u] * math.tanh(C[u]) for u in range(hidden)]
        out.append(h)
    return np.array(out)


def gates_of(lstm, suffix):
    hidden = lstm.hidden_size
    hh, ih, b_hh, b_ih = (
        getattr(lstm, f"{name}_{suffix}").detach().numpy()
        for name in ("weight_hh", "weight_ih", "bias_hh", "bias_ih")
    )
    W, b = {}, {}
    for row, gate in enumerate("ifCo"):  # PyTorch's order
        rows = slice(row * hidden, (row + 1) * hidden)
        W[gate] = np.concatenate([hh[rows], ih[rows]], axis=1)
        b[gate] = b_hh[rows] + b_ih[rows]
    return W, b


@for_each("steps", [1, 2, 7])
@for_each("layers", [1, 2])
@for_each("bidirectional", [False, True])
def test_lstm_of_section_4_3(steps, layers, bidirectional):
    hidden = 3
    neck = LSTMTemporalNeck(
        4, hidden, num_layers=layers, bidirectional=bidirectional
    ).double()
    for parameter in neck.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, 4, steps, dtype=torch.float64)
    naive = []
    for sequence in x.transpose(1, 2).numpy():
        for layer in range(layers):
            W, b = gates_of(neck.lstm, f"l{layer}")
            out = naive_lstm(sequence, W, b, hidden)
            if bidirectional:
                W, b = gates_of(neck.lstm, f"l{layer}_reverse")
                backward = naive_lstm(sequence[::-1], W, b, hidden)[::-1]
                out = np.concatenate([out, backward], axis=1)
            sequence = out
        naive.append(sequence)
    ours = neck(x)[0][..., 0, 0].transpose(1, 2)
    assert relative_error(ours, np.stack(naive)) <= TOLERANCE
