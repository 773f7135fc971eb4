"""Mixup and CutMix of samples of several modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from ..heads.labels import collect_labels
from ..layers import to_device

# The axes behind (N, M, channels) that a box can be cut over, by the number of
# dimensions of a modality: sound has time alone.
AXES = {4: ("t",), 6: ("t", "h", "w")}


@MODELS.register_module()
class MultiModalBlending(nn.Module):
    """Mixes each training sample with another one, in all of its modalities at once.

    `mixup <https://arxiv.org/abs/1710.09412>`_: ``lam * x + (1 - lam) * partner`` with
    one ``lam`` for the batch. `CutMix <https://arxiv.org/abs/1905.04899>`_: a box of
    the partner takes the place of ``1 - lam`` of the sample, in all modalities the same
    part of the clip (over space alone it is the first of `VideoMix
    <https://arxiv.org/abs/2012.03457>`_). The label becomes soft, with the weight of
    what is really kept.

    - A partner has the same modalities: the label is right for each stream alone, and
      what a sample lacks says no more of its class than before. A sample without its
      like in the batch stays as it is. Modality dropout comes after it.
    - Modalities are mixed as the streams take them, normalised: log-mel bands in the
      logarithmic domain, flow as vectors, a waveform as the sum of two sounds.
    - Clip m of a sample is mixed with clip m of its partner.
    - Sound has a box over time only; it lies within the time of the frames' box. Its
      share of the clip is the same, up to whole frames; the label has the mean over
      the modalities.

    Draws come from numpy's generator, which ``ResumableTrainLoop`` seeds for each
    iteration.

    Args:
        num_classes: Number of classes; the recognizer says its head's.
        mixup_alpha: ``lam`` of mixup has the distribution Beta(alpha, alpha); 0: no
            mixup.
        cutmix_alpha: The same for CutMix. If both are used, a batch is mixed by one of
            them, each half of the time.
        prob: Share of the batches that are mixed.
        box_axes: What the box is cut over: ``'t'`` (time), ``'h'``, ``'w'``.

    Shape:
        - Input: ``{modality: float (N, M, ...)}`` and N data samples.
        - Output: the same; the arguments are left as they are.

    Raises:
        ValueError: An argument is outside of its range; a label does not fit, or a
            modality has other axes than ``(N, M, C, T, H, W)`` and ``(N, M, C, T)``.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        mixup_alpha: float = 0.0,
        cutmix_alpha: float = 0.0,
        prob: float = 1.0,
        box_axes: Sequence[str] = ("t", "h", "w"),
    ) -> None:
        super().__init__()
        if min(mixup_alpha, cutmix_alpha) < 0 or not mixup_alpha + cutmix_alpha:
            raise ValueError(
                "blending: mixup_alpha and cutmix_alpha must be at least 0, and one of "
                f"them above, got {mixup_alpha} and {cutmix_alpha}"
            )
        if not 0 <= prob <= 1:
            raise ValueError(f"blending: prob must lie in 0..1, got {prob}")
        if not box_axes or set(box_axes) - {"t", "h", "w"}:
            raise ValueError(
                f"blending: box_axes must be some of 't', 'h', 'w', got {box_axes!r}"
            )
        self.num_classes = num_classes
        self.prob = prob
        cut = partial(cutmix, axes=frozenset(box_axes))
        kinds = [(mixup, mixup_alpha), (cut, cutmix_alpha)]
        self.kinds = [(blend, alpha) for blend, alpha in kinds if alpha]

    def forward(
        self, inputs: Mapping[str, Tensor], data_samples: Sequence
    ) -> tuple[dict[str, Tensor], list]:
        if np.random.rand() >= self.prob:
            return dict(inputs), list(data_samples)
        blend, alpha = self.kinds[np.random.randint(len(self.kinds))]
        given = [sample.get("presence", None) or {} for sample in data_samples]
        here = np.array([[one.get(name, True) for name in inputs] for one in given])
        order = draw_partners(here)
        mixed, kept = blend(inputs, order, np.random.beta(alpha, alpha))
        weight = (here * kept).sum(1) / here.sum(1).clip(min=1)  # (N,)
        weight = torch.from_numpy(weight).float()[:, None]
        # of several classes or of one, class numbers and soft labels alike
        labels = collect_labels(data_samples, self.num_classes, multi_class=True)
        labels = weight * labels + (1 - weight) * labels[order]  # (N, num_classes)
        samples = [sample.clone() for sample in data_samples]
        for sample, label in zip(samples, labels):
            sample.set_gt_label(label)
        return mixed, samples


def draw_partners(here: np.ndarray) -> Tensor:
    """With whom each sample is mixed: one with the same modalities.

    Each is the partner of one sample; only one that is alone is its own.

    Args:
        here: Whether N samples have each modality, bool ``(N, modalities)``.

    Returns:
        Rows, ``(N,)``.
    """
    alike: dict[tuple, list[int]] = {}
    for row in np.random.permutation(len(here)).tolist():
        alike.setdefault(tuple(here[row]), []).append(row)
    partners = np.arange(len(here))
    for rows in alike.values():
        partners[rows] = np.roll(rows, 1)
    return torch.from_numpy(partners)


def mixup(
    inputs: Mapping[str, Tensor], order: Tensor, lam: float
) -> tuple[dict[str, Tensor], np.ndarray]:
    """``lam`` of each sample and the rest of its partner.

    Args:
        inputs: ``{modality: (N, M, ...)}``.
        order: Partners, ``(N,)`` on the host.
        lam: Share of the sample itself.

    Returns:
        The mixed inputs, and the share that is kept of each modality.
    """
    mixed = {
        name: torch.lerp(x[to_device(order, x.device)], x, lam)
        for name, x in inputs.items()
    }
    return mixed, np.full(len(inputs), lam)


def cutmix(
    inputs: Mapping[str, Tensor], order: Tensor, lam: float, axes: frozenset
) -> tuple[dict[str, Tensor], np.ndarray]:
    """Each sample with a box of its partner in it, the same relative box everywhere.

    Args:
        inputs: ``{modality: (N, M, ...)}``.
        order: Partners, ``(N,)`` on the host.
        lam: Share outside of the box.
        axes: That the box is cut over. A modality that has none of them is cut over
            time.

    Returns:
        The mixed inputs, and the share that is kept of each modality.
    """
    place = dict(zip("thw", np.random.rand(3)))
    mixed, kept = {}, []
    for name, x in inputs.items():
        if x.dim() not in AXES:
            raise ValueError(
                f"blending: CutMix knows (N, M, C, T, H, W) and (N, M, C, T), {name!r} "
                f"has the shape {tuple(x.shape)}; take mixup_alpha, which mixes any"
            )
        own = AXES[x.dim()]
        cut = axes & {*own} or {"t"}
        side = (1 - lam) ** (1 / len(cut))
        box, share = [...], 1.0
        for axis, size in zip(own, x.shape[3:]):
            length = round(side * size) if axis in cut else size
            start = int(place[axis] * (size - length + 1))
            box.append(slice(start, start + length))
            share *= length / size
        mixed[name] = x.clone()
        mixed[name][tuple(box)] = x[tuple(box)][to_device(order, x.device)]
        kept.append(1 - share)
    return mixed, np.array(kept)
