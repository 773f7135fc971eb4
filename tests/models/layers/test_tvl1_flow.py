"""Flow on the device against images and motions that are formulas, and beside DIS."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from helpers_culprits import for_each
from torch.nn import functional as F

from mmstconv.datasets.transforms.flow import quantize as quantize_on_host
from mmstconv.models.layers.tvl1_flow import (
    TVL1Flow,
    differences,
    divergence,
    estimate,
    median,
    quantize,
    smooth,
)

SIZE = 112
INNER = np.s_[..., 16:-16, 16:-16]
Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(float)


def texture(seed):
    """An image that is known between its pixels too: a sum of 60 waves."""
    rng = np.random.default_rng(seed)
    waves = rng.uniform(-0.16, 0.16, (60, 2))
    sizes = rng.uniform(0.2, 1, 60) / np.hypot(*waves.T).clip(0.02) ** 0.7
    phases = rng.uniform(0, 2 * np.pi, 60)
    scale = 45 / np.sqrt((sizes**2).sum() / 2)

    def at(x, y):
        angle = 2 * np.pi * (waves[:, 0, None, None] * x + waves[:, 1, None, None] * y)
        value = (sizes[:, None, None] * np.cos(angle + phases[:, None, None])).sum(0)
        return np.rint(np.clip(120 + scale * value, 0, 255)).astype(np.uint8)

    return at


def moved(seed, matrix, shift):
    """Two frames and their flow; a point p goes to ``matrix @ p + shift``."""
    image, inverse = texture(seed), np.linalg.inv(matrix)
    where = np.stack([X, Y]).reshape(2, -1) - (SIZE - 1) / 2
    flow = (matrix @ where + np.reshape(shift, (2, 1)) - where).reshape(2, SIZE, SIZE)
    back = inverse @ (where - np.reshape(shift, (2, 1))) + (SIZE - 1) / 2
    return image(X, Y), image(*back.reshape(2, SIZE, SIZE)), flow


def translation(pixels, seed):
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    shift = (pixels * np.cos(angle), pixels * np.sin(angle))
    return moved(seed, np.eye(2), shift)


def turn(degrees, zoom):
    angle = np.deg2rad(degrees)
    rows = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return zoom * np.array(rows)


def grey_to_rgb(first, second):
    """``(1, 3, 2, H, W)``."""
    return torch.from_numpy(np.stack([first, second])).expand(1, 3, 2, SIZE, SIZE)


def error(flow, truth):
    """Mean end-point error of the interior."""
    return np.hypot(*(np.asarray(flow) - truth))[INNER].mean()


def errors(case):
    """Ours before rounding to levels, ours, and OpenCV's DIS before rounding."""
    first, second, truth = case
    frames = grey_to_rgb(first, second)
    fine = estimate(smooth(frames[:, 0].float()))[0]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pair = (np.ascontiguousarray(frame) for frame in case[:2])
    peer = dis.calc(*pair, None).transpose(2, 0, 1)
    ours = TVL1Flow()(frames)[0, :, 0]
    return error(fine, truth), error(ours, truth), error(peer, truth)


def test_translations_of_1_to_8_pixels():
    found = np.array([errors(translation(pixels, pixels)) for pixels in range(1, 9)])
    fine, ours, dis = found.mean(axis=0)
    assert found[:, 0].max() < 0.06
    assert fine < dis < 0.1
    assert ours < 0.1  # a level is 0.157 pixels wide


@for_each("degrees, zoom", [(3, 1.0), (0, 1.05), (-5, 0.94), (4, 1.08)])
def test_rotation_and_zoom(degrees, zoom):
    fine, ours, dis = errors(moved(5, turn(degrees, zoom), (0, 0)))
    assert fine < min(dis, 0.1)
    assert ours < 0.12


def test_whole_pixels_of_noise():
    """Nothing is interpolated: the second frame is another cut of the same image."""
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.uniform(0, 255, (160, 160)), (0, 0), 2)
    image = np.rint(120 + 6 * (image - image.mean())).clip(0, 255).astype(np.uint8)
    cut = image[24:136, 24:136]
    for dx, dy in ((5, 0), (-3, 6), (0, -8)):
        second = image[24 - dy : 136 - dy, 24 - dx : 136 - dx]
        truth = np.broadcast_to(np.reshape((dx, dy), (2, 1, 1)), (2, SIZE, SIZE))
        assert errors((cut, second, truth))[0] < 0.05


def test_what_moves_before_a_background():
    """The edge of motion stays sharp; DIS blurs it more."""
    background, patch = texture(1), texture(2)
    inside = (abs(X - 52) < 18) & (abs(Y - 57) < 18)
    later = (abs(X - 52 - 4) < 18) & (abs(Y - 57 + 3) < 18)
    first = np.where(inside, patch(X, Y), background(X, Y))
    second = np.where(later, patch(X - 4, Y + 3), background(X + 2, Y))
    truth = np.where(inside, np.reshape((4, -3), (2, 1, 1)), [[[-2]], [[0]]])
    fine, _, dis = errors((first, second, truth))
    assert fine < dis


def clip(count=4, size=64):
    """One random clip ``(1, 3, count, size, size)``, smooth, that wanders."""
    rng = np.random.default_rng(7)
    image = cv2.GaussianBlur(rng.uniform(0, 255, (160, 160, 3)), (0, 0), 2)
    image = np.rint(120 + 6 * (image - image.mean())).clip(0, 255).astype(np.uint8)
    places = [(20 + 2 * k, 24 - k) for k in range(count)]
    frames = [image[y : y + size, x : x + size] for x, y in places]
    return torch.from_numpy(np.stack(frames)).permute(3, 0, 1, 2)[None]


def test_pairs_of_a_batch_do_not_mix():
    frames = torch.cat([clip(), clip().flip(-1), clip().flip(2)])
    flow = TVL1Flow()(frames)
    assert flow.shape == (3, 2, 3, 64, 64) and flow.dtype == torch.float32
    for row in range(3):
        for step in range(3):
            alone = TVL1Flow()(frames[row : row + 1, :, step : step + 2])
            torch.testing.assert_close(alone[0, :, 0], flow[row, :, step])
    # the window goes right and up: what it shows goes left and down
    means = flow[..., 16:-16, 16:-16].mean(dim=(2, 3, 4))
    expected = torch.tensor([[-2.0, 1.0], [2.0, 1.0], [2.0, -1.0]])
    torch.testing.assert_close(means, expected, atol=0.1, rtol=0)


def test_nothing_moves():
    still = clip(1).expand(-1, -1, 3, -1, -1)
    assert not TVL1Flow()(still).any()
    assert not TVL1Flow()(torch.full((1, 3, 2, 40, 40), 90)).any()


def test_levels_are_those_of_the_pipeline():
    flow = torch.linspace(-30, 30, 9001)
    for bound in (20.0, 3.0):
        expected = quantize_on_host(flow.numpy(), bound)
        assert np.array_equal(quantize(flow, bound).numpy(), expected)
    far = TVL1Flow(bound=1.0)(clip())[..., 16:-16, 16:-16]
    assert far.abs().max() <= 1 and far[:, 0].median().item() < -0.99


def test_bytes_and_floats_and_autocast_give_the_same():
    frames = clip()
    flow = TVL1Flow()(frames)
    assert torch.equal(TVL1Flow()(frames.float()), flow)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(TVL1Flow()(frames), flow)


@for_each("size", [(2, 2), (5, 9), (16, 33), (23, 40)])
def test_small_frames(size):
    frames = torch.randint(0, 256, (2, 3, 3, *size), dtype=torch.uint8)
    flow = TVL1Flow()(frames)
    assert flow.shape == (2, 2, 2, *size) and torch.isfinite(flow).all()


def test_compiles_into_one_graph(monkeypatch):
    """No value is needed on the way, which would break the graph."""
    for name in ("LEVELS", "WARPS", "ITERATIONS"):
        monkeypatch.setattr(f"mmstconv.models.layers.tvl1_flow.{name}", 2)
    frames, flow = clip(3), TVL1Flow()
    compiled = torch.compile(flow, backend="eager", fullgraph=True)
    assert torch.equal(compiled(frames), flow(frames))


def test_median_by_sorting():
    x = torch.randn(2, 2, 9, 7)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    cells = [padded[..., i : i + 9, j : j + 7] for i in range(3) for j in range(3)]
    assert torch.equal(median(x), torch.stack(cells).median(0).values)


def test_divergence_is_minus_the_adjoint():
    x, p, q = torch.randn(3, 1, 2, 6, 5, dtype=torch.float64)
    p[..., -1], q[..., -1, :] = 0, 0
    along_x, along_y = differences(x)
    left = (along_x * p).sum() + (along_y * q).sum()
    torch.testing.assert_close(left, -(x * divergence(p, q)).sum())


@pytest.mark.parametrize("shape", [(1, 3, 1, 8, 8), (1, 2, 3, 8, 8), (3, 3, 8, 8)])
def test_wrong_frames(shape):
    with pytest.raises(ValueError, match=r"expected RGB frames \(N, 3, T \+ 1, H, W\)"):
        TVL1Flow()(torch.zeros(shape))


def test_shrunk_flow():
    """Means over squares, in pixels of their size; what is left over is cut off."""
    frames = clip(size=65)
    whole = TVL1Flow()(frames)[..., :64, :64]
    means = whole.unflatten(3, (32, 2)).unflatten(5, (32, 2)).mean(dim=(4, 6)) / 2
    half = TVL1Flow(shrink=2)(frames)
    assert half.shape == (1, 2, 3, 32, 32)
    assert (half - means).abs().max() < 0.13  # half a level each, of 0.157 and half
    assert half[:, 0, :, 8:-8, 8:-8].median().item() == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize("shrink", [0, 1.5, True])
def test_wrong_shrink(shrink):
    with pytest.raises(ValueError, match="shrink must be a positive integer"):
        TVL1Flow(shrink=shrink)


@pytest.mark.parametrize("bound", [0, -2.0, float("nan")])
def test_wrong_bound(bound):
    with pytest.raises(ValueError, match="bound must be a positive number"):
        TVL1Flow(bound=bound)


@pytest.mark.gpu
def test_a_gpu_gives_the_same():
    flow = TVL1Flow()
    difference = (flow(clip().cuda()).cpu() - flow(clip())).abs()
    assert (difference > 0.2).float().mean() < 0.001  # a level apart by rounding
