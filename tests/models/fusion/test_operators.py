"""Each operator against an independent statement of its equations, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS

from mmstconv.models import (
    ClassWeightedFusion,
    ContextGatingFusion,
    ConvFusion,
    CrossModalAttentionFusion,
    GatedMultimodalUnit,
    LateFusion,
    LowRankTensorFusion,
    MaxFusion,
    SumFusion,
)

WIDTHS = {"audio": 2, "flow": 3, "rgb": 4}
N, T = 3, 2
# Row 0: all; row 1: no sound; row 2: rgb only.
HERE = {
    "audio": torch.tensor([True, False, False]),
    "flow": torch.tensor([True, True, False]),
    "rgb": torch.tensor([True, True, True]),
}


def make(cls, **kwargs):
    fusion = cls(WIDTHS, **kwargs).double()
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter)
    feats = {m: torch.randn(N, T, w, dtype=torch.float64) for m, w in WIDTHS.items()}
    return fusion, feats


def cells(feats):
    """Row, step and the features of the modalities that are present there."""
    for n in range(N):
        for t in range(T):
            yield n, t, {m: x[n, t] for m, x in feats.items() if HERE[m][n]}


def joined(at):
    """Concatenation with zeros where absent."""
    zeros = {m: torch.zeros(w, dtype=torch.float64) for m, w in WIDTHS.items()}
    return torch.cat([{**zeros, **at}[m] for m in sorted(WIDTHS)])


def linear(layer, x):
    return layer.weight @ x + layer.bias


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-10, rtol=1e-10)


def test_sum_and_max():
    for cls in (SumFusion, MaxFusion):
        fusion, feats = make(cls, channels=5)
        y = fusion(feats, HERE)
        for n, t, at in cells(feats):
            each = torch.stack([linear(fusion.projections[m], at[m]) for m in at])
            if cls is SumFusion:
                close(y[n, t], each.sum(0) * 3 / len(at))
            else:
                close(y[n, t], each.max(0).values)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_conv(kernel_size):
    fusion, feats = make(ConvFusion, channels=5, kernel_size=kernel_size)
    y = fusion(feats, HERE)
    half = kernel_size // 2
    stacked = {(n, t): joined(at) for n, t, at in cells(feats)}
    for n, t in stacked:
        expected = fusion.conv.bias.clone()
        for k in range(kernel_size):
            if (n, t + k - half) in stacked:
                expected = (
                    expected + fusion.conv.weight[:, :, k] @ stacked[n, t + k - half]
                )
        close(y[n, t], expected)


def test_conv_kernel_must_be_odd():
    with pytest.raises(ValueError, match="kernel_size must be odd and positive, got 2"):
        ConvFusion(WIDTHS, kernel_size=2)


def test_late():
    fusion, feats = make(LateFusion, num_classes=4)
    y = fusion(feats, HERE)
    for n, t, at in cells(feats):
        scores = [linear(fusion.classifiers[m], at[m]).exp() for m in at]
        mean = sum(e / e.sum() for e in scores) / len(at)
        close(y[n, t], mean.log())


def test_late_multiplies():
    """The product of the present ones' softmaxes, each in double precision."""
    fusion, feats = make(LateFusion, num_classes=4, rule="product")
    y = fusion(feats, HERE).log_softmax(dim=-1)
    for n, t, at in cells(feats):
        product = 1
        for m in at:
            e = linear(fusion.classifiers[m], at[m]).exp()
            product = product * e / e.sum()
        close(y[n, t], (product / product.sum()).log())
    nothing = {m: torch.zeros(N, dtype=torch.bool) for m in WIDTHS}
    assert not fusion(feats, nothing).any()
    with pytest.raises(ValueError, match="rule is 'sum', must be one of"):
        LateFusion(WIDTHS, num_classes=4, rule="sum")


def test_late_on_confident_scores():
    """The log of the mean does not underflow where a softmax does."""
    fusion = LateFusion({"rgb": 1, "flow": 1}, num_classes=2)
    for layer in fusion.classifiers.values():
        torch.nn.init.zeros_(layer.bias)
        layer.weight.data = torch.tensor([[0.0], [1.0]])
    x = torch.tensor([[[500.0]]], requires_grad=True)
    y = fusion({"rgb": x, "flow": x})
    torch.testing.assert_close(y, torch.tensor([[[-500.0, 0.0]]]))
    y[..., 0].sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[[-1.0]]]))


def test_class_weights():
    fusion, feats = make(ClassWeightedFusion, num_classes=4)
    y, shares = fusion(feats, HERE), fusion.weights(feats, HERE)
    for n, t, at in cells(feats):
        total = sum(fusion.class_logits[m].exp() for m in at)
        mean = 0
        for m in at:
            e = linear(fusion.classifiers[m], at[m]).exp()
            mean = mean + fusion.class_logits[m].exp() / total * e / e.sum()
        close(y[n, t], (mean / mean.sum()).log())
        best = mean.argmax()
        for m in at:
            close(shares[m][n, t], (fusion.class_logits[m].exp() / total)[best])


def test_class_weights_start_as_late_fusion():
    late = LateFusion(WIDTHS, num_classes=4)
    learned = ClassWeightedFusion(WIDTHS, num_classes=4)
    learned.init_weights()
    missing = learned.load_state_dict(late.state_dict(), strict=False).missing_keys
    assert missing == [f"class_logits.{m}" for m in WIDTHS]
    feats = {m: torch.randn(N, T, w) for m, w in WIDTHS.items()}
    torch.testing.assert_close(learned(feats, HERE), late(feats, HERE))


def test_score_operators_start_as_a_head_does():
    fusion = LateFusion({"rgb": 500}, num_classes=40)
    fusion.init_weights()
    assert fusion.classifiers["rgb"].weight.std().item() == pytest.approx(
        0.01, rel=0.05
    )
    assert not fusion.classifiers["rgb"].bias.any()


def test_context_gating():
    fusion, feats = make(ContextGatingFusion)
    y, shares = fusion(feats, HERE), fusion.weights(feats, HERE)
    for n, t, at in cells(feats):
        x = joined(at)
        gate = 1 / (1 + (-linear(fusion.gate, x)).exp())
        close(y[n, t], gate * x)
        for m, (start, stop) in dict(audio=(0, 2), flow=(2, 5), rgb=(5, 9)).items():
            if m in at:
                close(shares[m][n, t], gate[start:stop].sum() / (stop - start))


def test_gated_multimodal_unit():
    fusion, feats = make(GatedMultimodalUnit, channels=5)
    y, shares = fusion(feats, HERE), fusion.weights(feats, HERE)
    for n, t, at in cells(feats):
        x = joined(at)
        gates = {m: linear(fusion.gates[m], x).exp() for m in at}
        total = sum(gates.values())
        close(
            y[n, t],
            sum(
                gates[m] / total * linear(fusion.projections[m], at[m]).tanh()
                for m in at
            ),
        )
        for m in at:
            close(shares[m][n, t], (gates[m] / total).mean())


def test_gated_unit_of_two_is_the_bimodal_one():
    """``h = z * h_1 + (1 - z) * h_2`` with a sigmoid z."""
    fusion = GatedMultimodalUnit({"a": 2, "b": 3}, channels=5).double()
    a, b = (torch.randn(1, 1, w, dtype=torch.float64) for w in (2, 3))
    x = torch.cat([a, b], -1)
    z = (fusion.gates["a"](x) - fusion.gates["b"](x)).sigmoid()
    h_a, h_b = fusion.projections["a"](a).tanh(), fusion.projections["b"](b).tanh()
    close(fusion({"a": a, "b": b}), z * h_a + (1 - z) * h_b)


def test_low_rank_is_the_full_tensor():
    """Weights of low rank applied to the whole outer product."""
    rank, channels = 2, 5
    fusion, feats = make(LowRankTensorFusion, channels=channels, rank=rank)
    factors = {}
    for m, layer in fusion.factors.items():
        with_one = torch.cat([layer.weight, layer.bias[:, None]], dim=1)
        factors[m] = with_one.view(rank, channels, -1)  # (rank, C, D_m + 1)
    weight = torch.einsum("rca,rcf,rcv->cafv", *factors.values())
    one = torch.ones(N, T, 1, dtype=torch.float64)
    a, f, v = (torch.cat([feats[m], one], -1) for m in ("audio", "flow", "rgb"))
    outer = torch.einsum("nta,ntf,ntv->ntafv", a, f, v)
    expected = torch.einsum("cafv,ntafv->ntc", weight, outer) + fusion.bias
    close(fusion(feats), expected)
    # The factor of an absent modality is one.
    weight = torch.einsum("rcf,rcv->cfv", factors["flow"], factors["rgb"])
    expected = torch.einsum("cfv,ntf,ntv->ntc", weight, f, v) + fusion.bias
    close(fusion(feats, HERE)[1], expected[1])


def test_low_rank_starts_near_the_sum_of_modalities():
    fusion = LowRankTensorFusion(WIDTHS, channels=5, rank=2).double()
    feats = {m: 1e-4 * torch.randn(N, T, w).double() for m, w in WIDTHS.items()}
    expected = sum(
        (feats[m] @ layer.weight.T).unflatten(-1, (2, 5)).sum(2)
        for m, layer in fusion.factors.items()
    )
    torch.testing.assert_close(fusion(feats), expected, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="rank must be at least 1, got 0"):
        LowRankTensorFusion(WIDTHS, rank=0)


def test_attention():
    channels, heads = 6, 2
    fusion, feats = make(CrossModalAttentionFusion, channels=channels, num_heads=heads)
    y, shares = fusion(feats, HERE), fusion.weights(feats, HERE)
    size = channels // heads
    weight, bias = fusion.query_key_value.weight, fusion.query_key_value.bias
    for n, t, at in cells(feats):
        tokens = [linear(fusion.projections[m], at[m]) for m in at]
        packed = [(weight @ x + bias).view(3, heads, size) for x in tokens]
        received = dict.fromkeys(at, 0.0)
        out = 0
        for i, x in enumerate(tokens):
            mixed = []
            for h in range(heads):
                q = packed[i][0, h]
                e = [(q @ p[1, h] / math.sqrt(size)).exp() for p in packed]
                for m, e_m in zip(at, e):
                    received[m] += e_m / sum(e) / heads / len(at)
                mixed.append(sum(w / sum(e) * p[2, h] for w, p in zip(e, packed)))
            x = x + linear(fusion.out, torch.cat(mixed))
            x = (x - x.mean()) / (x.var(unbiased=False) + fusion.norm.eps).sqrt()
            out = out + x * fusion.norm.weight + fusion.norm.bias
        close(y[n, t], out / len(at))
        for m in at:
            close(shares[m][n, t], received[m])


def test_attention_heads_must_divide():
    with pytest.raises(
        ValueError, match="channels=6 must be a multiple of num_heads=4"
    ):
        CrossModalAttentionFusion(WIDTHS, channels=6, num_heads=4)


@for_each(
    "name", ["ConcatFusion", "ConvFusion", "ContextGatingFusion", "GatedMultimodalUnit"]
)
def test_order_of_modalities_is_an_order_of_columns(name):
    """Swapping sound and RGB with their weights changes at most the channels' order."""
    old, new = {"audio": 2, "rgb": 4}, {"audio": 4, "rgb": 2}
    turned = [2, 3, 4, 5, 0, 1]  # where the joined channels of the new order were
    fusion, other = (MODELS.build(dict(type=name, in_channels=w)) for w in (old, new))
    joins = name in ("ConcatFusion", "ContextGatingFusion")
    swap = {"audio": "rgb", "rgb": "audio"}
    state = {}
    for key, value in fusion.state_dict().items():
        if value.dim() > 1 and value.shape[1] == 6:
            value = value[:, turned]
        value = value[turned] if joins else value
        state[".".join(swap.get(part, part) for part in key.split("."))] = value
    other.load_state_dict(state)
    a, r = torch.randn(1, 3, 2), torch.randn(1, 3, 4)
    y, y_other = fusion({"audio": a, "rgb": r}), other({"audio": r, "rgb": a})
    torch.testing.assert_close(y_other, y[..., turned] if joins else y)
