"""Measures of frames against loops in float64, formulas and scikit-image's answers."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from mmstconv.evaluation.frames import (
    GAUSSIAN_11,
    MEASURES,
    UNIFORM_7,
    PerceptualDistance,
    mean_absolute_error,
    mean_squared_error,
    peak_signal_to_noise,
    structural_similarity,
    summed_absolute_error,
    summed_squared_error,
)

STORED = Path(__file__).parents[1] / "reference_answers" / "frames.json"


def wave_frames(channels: int, times: int, height: int, width: int) -> tuple:
    """True frames and a forecast that goes beyond black and white, by formula."""
    c, t, y, x = np.meshgrid(
        *(np.arange(n) for n in (channels, times, height, width)), indexing="ij"
    )
    true = 0.5 + 0.5 * np.sin(0.7 * x + 0.3 * t + c) * np.cos(0.4 * y - 0.2 * t)
    return true + 0.3 * np.sin(1.9 * x - 1.3 * y + t + 2 * c), true


SHAPES = [(1, 3, 16, 16), (3, 2, 24, 17), (3, 4, 11, 40)]


def naive(predicted, true, of_pixel, mean: bool) -> list[float]:
    channels, times, height, width = true.shape
    values = []
    for t in range(times):
        total = 0.0
        for c in range(channels):
            for y in range(height):
                for x in range(width):
                    total += of_pixel(predicted[c, t, y, x] - true[c, t, y, x])
        values.append(total / (channels * height * width) if mean else total)
    return values


def test_errors_against_loops():
    for shape in SHAPES:
        predicted, true = wave_frames(*shape)
        assert predicted.max() > 1.01 and predicted.min() < -0.01
        for function, of_pixel, mean in (
            (summed_squared_error, lambda d: d * d, False),
            (mean_squared_error, lambda d: d * d, True),
            (summed_absolute_error, abs, False),
            (mean_absolute_error, abs, True),
        ):
            expected = naive(predicted, true, of_pixel, mean)
            assert function(predicted, true) == pytest.approx(expected, rel=1e-12)


def test_psnr_is_of_clipped_frames():
    predicted, true = wave_frames(*SHAPES[1])
    mse = naive(np.clip(predicted, 0, 1), true, lambda d: d * d, True)
    expected = [10 * math.log10(1 / one) for one in mse]
    assert peak_signal_to_noise(predicted, true) == pytest.approx(expected, rel=1e-12)
    assert np.isinf(peak_signal_to_noise(true, true)).all()


def naive_ssim(x: np.ndarray, y: np.ndarray, window) -> float:
    """Wang et al. 2004, eq. 13 to 16, pixel by pixel."""
    edge, side = window.side // 2, window.side
    weights = np.full((side, side), 1 / side**2)
    if window.sigma is not None:
        d = np.arange(-edge, edge + 1)
        g = np.exp(-(d**2) / (2 * window.sigma**2))
        weights = np.outer(g, g) / np.outer(g, g).sum()
    values = []
    for r in range(edge, x.shape[0] - edge):
        for c in range(edge, x.shape[1] - edge):
            a = x[r - edge : r + edge + 1, c - edge : c + edge + 1]
            b = y[r - edge : r + edge + 1, c - edge : c + edge + 1]
            ma, mb = (weights * a).sum(), (weights * b).sum()
            n = side**2 / (side**2 - 1) if window.unbiased else 1
            va = n * (weights * (a - ma) ** 2).sum()
            vb = n * (weights * (b - mb) ** 2).sum()
            vab = n * (weights * (a - ma) * (b - mb)).sum()
            top = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4)
            values.append(top / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    return float(np.mean(values))


def test_ssim_against_the_formula():
    for window in (UNIFORM_7, GAUSSIAN_11):
        for shape in SHAPES:
            predicted, true = wave_frames(*shape)
            clipped = np.clip(predicted, 0, 1)
            expected = [
                np.mean([naive_ssim(p[t], q[t], window) for p, q in zip(clipped, true)])
                for t in range(shape[1])
            ]
            found = structural_similarity(predicted, true, window)
            assert found == pytest.approx(expected, abs=1e-9), (window.name, shape)


def test_as_scikit_image_answered():
    """Its version 0.26, data range 1, of clipped frames (``python`` this file)."""
    cases = json.loads(STORED.read_text())["cases"]
    assert [tuple(case["shape"]) for case in cases] == SHAPES
    for case in cases:
        predicted, true = wave_frames(*case["shape"])
        for name in ("psnr_range1", "ssim_uniform7_range1", "ssim_gauss11_range1"):
            found = MEASURES[name](predicted, true)
            assert found == pytest.approx(case[name], abs=1e-6), (case["shape"], name)


def test_as_scikit_image_answers():
    metrics = pytest.importorskip("skimage.metrics")
    for shape in SHAPES:
        for name, expected in by_scikit_image(metrics, *wave_frames(*shape)).items():
            found = MEASURES[name](*wave_frames(*shape))
            assert found == pytest.approx(expected, abs=1e-6), (shape, name)


def by_scikit_image(metrics, predicted, true) -> dict[str, list[float]]:
    clipped = np.clip(predicted, 0, 1)
    form = dict(data_range=1, channel_axis=0)
    gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    ssim, psnr = metrics.structural_similarity, metrics.peak_signal_noise_ratio
    pairs = [(true[:, t], clipped[:, t]) for t in range(true.shape[1])]
    return dict(
        psnr_range1=[float(psnr(*pair, data_range=1)) for pair in pairs],
        ssim_uniform7_range1=[float(ssim(*pair, **form)) for pair in pairs],
        ssim_gauss11_range1=[float(ssim(*pair, **form, **gaussian)) for pair in pairs],
    )


def test_the_sum_is_the_mean_of_a_pixel_times_their_number():
    """OpenSTL's 24.6 of 64 x 64 grey frames is .0060 a pixel."""
    true = np.zeros((1, 1, 64, 64))
    predicted = np.full_like(true, math.sqrt(24.6 / 64**2))
    assert summed_squared_error(predicted, true)[0] == pytest.approx(24.6)
    assert round(mean_squared_error(predicted, true)[0], 4) == 0.0060


def test_bytes_and_floats_are_one_range():
    true = np.arange(2 * 16 * 16, dtype=np.uint8).reshape(1, 2, 16, 16)
    for name, measure in MEASURES.items():
        other = np.roll(true, 3, -1)
        expected = measure(other / 255, true / 255)
        assert measure(other, true) == pytest.approx(expected), name


def test_what_cannot_be_measured():
    good = np.zeros((1, 2, 16, 16))
    for predicted, message in (
        (np.zeros((2, 16, 16)), r"must be \(C, T, H, W\)"),
        (np.zeros((1, 3, 16, 16)), "must be the same"),
        (np.zeros((1, 2, 16, 16), np.int64), "uint8 or floats"),
        (np.full((1, 2, 16, 16), np.nan), "not finite"),
    ):
        for measure in MEASURES.values():
            with pytest.raises(ValueError, match=message):
                measure(predicted, good)
    small = np.zeros((1, 2, 10, 16))
    with pytest.raises(ValueError, match="gauss11 needs frames of at least 11 x 11"):
        structural_similarity(small, small, GAUSSIAN_11)


def test_lpips_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ImportError, match="packages lpips and torchvision"):
        PerceptualDistance()


def write_stored() -> None:
    import skimage
    from skimage import metrics

    cases = [
        dict(shape=list(shape), **by_scikit_image(metrics, *wave_frames(*shape)))
        for shape in SHAPES
    ]
    content = dict(scikit_image=skimage.__version__, cases=cases)
    STORED.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    write_stored()
