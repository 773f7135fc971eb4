from __future__ import annotations

import itertools

import pytest
import torch

from mmstconv.models import CompactBilinearFusion

WIDTHS = {"audio": 2, "flow": 3, "rgb": 4}


def features(n=2, t=2, widths=WIDTHS, dtype=torch.float64):
    return {m: torch.randn(n, t, w, dtype=dtype) for m, w in widths.items()}


@pytest.mark.parametrize("channels", [7, 16])  # odd: another branch of the FFT
def test_sketch_of_the_outer_product(channels):
    """Algorithm 2 by its meaning: every entry of the outer product in its bucket."""
    fusion = CompactBilinearFusion(WIDTHS, channels=channels, normalize=False).double()
    feats = features()
    y = fusion(feats)
    buckets, signs = {}, {}
    for m in WIDTHS:
        buckets[m] = [*fusion.get_buffer(f"bucket_{m}").tolist(), 0]
        signs[m] = [*fusion.get_buffer(f"sign_{m}").tolist(), 1.0]
        assert set(signs[m]) <= {-1.0, 1.0}
    for n, t in itertools.product(range(2), range(2)):
        expected = torch.zeros(channels, dtype=torch.float64)
        with_one = {m: [*x[n, t].tolist(), 1.0] for m, x in feats.items()}
        for index in itertools.product(*(range(w + 1) for w in WIDTHS.values())):
            bucket, value = 0, 1.0
            for m, i in zip(WIDTHS, index):
                bucket += buckets[m][i]
                value *= signs[m][i] * with_one[m][i]
            expected[bucket % channels] += value
        torch.testing.assert_close(y[n, t], expected, atol=1e-12, rtol=0)


def test_circular_convolution_of_two():
    widths = {"a": 3, "b": 5}
    fusion = CompactBilinearFusion(widths, channels=8, normalize=False).double()
    feats = features(1, 1, widths)
    p, q = (fusion.sketch(m, feats[m])[0, 0] for m in widths)
    naive = [sum(p[j] * q[(k - j) % 8] for j in range(8)) for k in range(8)]
    torch.testing.assert_close(fusion(feats)[0, 0], torch.stack(naive))


def test_inner_products_are_a_polynomial_kernel():
    """Their mean over hashes is ``prod_m (<x_m, y_m> + 1)``."""
    widths = {"a": 3, "b": 3}
    x, y = features(1, 1, widths), features(1, 1, widths)
    kernel = 1.0
    for m in widths:
        kernel = kernel * ((x[m] * y[m]).sum() + 1)
    samples = []
    for seed in range(400):
        fusion = CompactBilinearFusion(widths, channels=32, normalize=False, seed=seed)
        fusion.double()
        samples.append((fusion(x) * fusion(y)).sum())
    samples = torch.stack(samples)
    error = samples.std() / len(samples) ** 0.5
    assert error < 0.2 * kernel.abs()  # or the test would say nothing
    assert (samples.mean() - kernel).abs() < 3.5 * error


def test_an_absent_modality_is_the_neutral_factor():
    fusion = CompactBilinearFusion(WIDTHS, channels=16, normalize=False).double()
    pair = CompactBilinearFusion({"audio": 2, "rgb": 4}, channels=16, normalize=False)
    pair = pair.double()
    for m in pair.modalities:
        for kind in ("bucket", "sign"):
            pair.get_buffer(f"{kind}_{m}").copy_(fusion.get_buffer(f"{kind}_{m}"))
    feats = features()
    y = fusion(feats, {"flow": torch.tensor([False, False])})
    torch.testing.assert_close(y, pair({m: feats[m] for m in pair.modalities}))


def test_normalisation_is_the_papers_times_a_constant():
    raw = CompactBilinearFusion(WIDTHS, channels=64, normalize=False).double()
    fusion = CompactBilinearFusion(WIDTHS, channels=64).double()
    feats = features()
    y = fusion(feats)
    x = raw(feats)
    expected = x.sign() * x.abs().sqrt()
    expected = expected / expected.square().sum(-1, keepdim=True).sqrt() * 8
    torch.testing.assert_close(y, expected, atol=0.03, rtol=0)
    torch.testing.assert_close(y.square().mean(-1), torch.ones(2, 2).double())


def test_empty_buckets_have_a_finite_gradient():
    fusion = CompactBilinearFusion({"rgb": 2}, channels=64)
    x = torch.randn(1, 1, 2, requires_grad=True)
    (fusion({"rgb": x}) * torch.randn(64)).sum().backward()
    assert x.grad.abs().max() < 1e3


def test_hashes_follow_the_seed_and_travel_with_the_weights():
    one, same = (CompactBilinearFusion(WIDTHS, seed=3) for _ in range(2))
    other = CompactBilinearFusion(WIDTHS, seed=4)
    feats = features(dtype=torch.float32)
    assert torch.equal(one(feats), same(feats))
    assert not torch.allclose(one(feats), other(feats))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(feats), other(feats))


@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_added_up_in_float32(autocast):
    fusion = CompactBilinearFusion(WIDTHS, channels=4)  # full of collisions
    feats = features(dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        y = fusion(feats)
    assert y.dtype == torch.float32
    assert torch.equal(y, fusion({m: x.float() for m, x in feats.items()}))
