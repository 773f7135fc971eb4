"""Features along drawn films whose events are known, and what they are worth.

Events are a motion and a glide at once, of {up, down, none} and {rising, falling, none}
without (none, none): eight classes. RGB and flow see the motion, audio hears the glide,
so that one alone cannot tell the three classes apart that share its part. Gaps are
long: an event that a modality does not perceive cannot be told from its neighbours.
"""

from __future__ import annotations

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmstconv.models import Features, Joint

RATE = 8  # steps a second
SECONDS = 48.0
WIDTHS = dict(rgb=24, flow=16, audio=16)
KINDS = [(m, g) for m in range(3) for g in range(3) if (m, g) != (2, 2)]
CLASSES = range(len(KINDS))
NOISE = 0.5


def draw_events(rng):
    """Segments ``(K, 2)`` in seconds and labels ``(K,)`` of one film."""
    segments, labels = [], []
    now = rng.uniform(1, 12)
    while True:
        end = now + rng.uniform(1.5, 4)
        if end > SECONDS:
            return np.array(segments).reshape(-1, 2), np.array(labels, dtype=int)
        segments.append((now, end))
        labels.append(rng.integers(len(KINDS)))
        now = end + rng.uniform(1, 12)


def share_inside(segments, width=1.0):
    """Of the second around each step, how much lies in each event, ``(K, T)``."""
    middle = (np.arange(int(SECONDS * RATE)) + 0.5) / RATE
    begin = np.maximum(segments[:, :1], middle - width / 2)
    end = np.minimum(segments[:, 1:], middle + width / 2)
    return np.clip(end - begin, 0, None) / width


class Films:
    """Films with the features of three streams.

    Args:
        number: How many.
        seed: Another seed is other films of the same streams.
        widths: Channels of each stream.
    """

    def __init__(self, number, seed, widths=None):
        widths = widths or WIDTHS
        same = np.random.default_rng(99)
        codes = {n: same.normal(size=(2, w)) for n, w in widths.items()}
        rng = np.random.default_rng(seed)
        self.truth, self.feats = [], []
        for _ in range(number):
            segments, labels = draw_events(rng)
            inside = share_inside(segments)
            steps = {}
            for name, width in widths.items():
                part = 1 if name == "audio" else 0
                x = NOISE * rng.normal(size=(int(SECONDS * RATE), width))
                for event, label in zip(inside, labels):
                    kind = KINDS[label][part]
                    if kind < 2:
                        x += event[:, None] * codes[name][kind]
                steps[name] = torch.from_numpy(x).float()
            self.feats.append(steps)
            self.truth.append((torch.from_numpy(segments), torch.from_numpy(labels)))

    def batch(self, rows):
        """``{modality: (N, T, D)}``, and the samples with the truth."""
        feats = {
            name: torch.stack([self.feats[row][name] for row in rows])
            for name in WIDTHS
        }
        samples = []
        for row in rows:
            segments, labels = self.truth[row]
            one = ActionDataSample(
                gt_instances=InstanceData(segments=segments, labels=labels)
            )
            one.set_metainfo(
                dict(filename=f"{row}.mp4", clip_starts=[0.0], clip_duration=SECONDS)
            )
            samples.append(one)
        return feats, samples


def fused_of(feats, presence=None):
    """The features behind a joint that joins their channels."""
    joint = Joint(WIDTHS, fusion=dict(type="ConcatFusion"), over_time="steps")
    rows = len(feats["rgb"])
    window = torch.tensor([[0.0, SECONDS]], dtype=torch.float64).expand(rows, 2)
    return joint(Features(feats, presence or {}, window=window))


def train(head, films, epochs, batch=8, rate=2e-3, dropout=0.3):
    """The head with its weights averaged over training; modalities are left out."""
    optimizer = torch.optim.AdamW(head.parameters(), lr=rate, weight_decay=0.05)
    steps = epochs * -(-len(films.feats) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, steps, pct_start=0.1
    )
    average = AveragedModel(head, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    for _ in range(epochs):
        for rows in torch.randperm(len(films.feats)).split(batch):
            feats, samples = films.batch(rows.tolist())
            here = torch.rand(len(WIDTHS), len(rows)) >= dropout
            here[0] |= ~here.any(0)
            losses = head.loss(fused_of(feats, dict(zip(WIDTHS, here))), samples)
            optimizer.zero_grad()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(head)
    return average.module.eval()


def predict(head, films):
    """Data samples of all films, with predictions."""
    with torch.no_grad():
        feats, samples = films.batch(range(len(films.feats)))
        return head.predict(fused_of(feats), samples)


def edge_errors(truth, found):
    """Seconds that begin and end are off, ``(K, 2)``, of the events that are found.

    Of each true event the best scored prediction of its class that overlaps it.
    """
    errors = []
    for (segments, labels), one in zip(truth, found):
        for segment, label in zip(segments.numpy(), labels.numpy()):
            mine = one.segments.numpy()[(one.labels == int(label)).numpy()]
            shared = np.minimum(mine[:, 1], segment[1])
            shared -= np.maximum(mine[:, 0], segment[0])
            hits = mine[shared > 0.5 * (segment[1] - segment[0])]
            if len(hits):
                errors.append(np.abs(hits[0] - segment))
    return np.array(errors)


def average_precision(truth, found, label, overlap):
    """Of one class at one tIoU, area under the interpolated curve.

    Args:
        truth: ``(segments, labels)`` of each film.
        found: ``InstanceData`` of each film.
    """
    hits, total = [], 0
    for (segments, labels), one in zip(truth, found):
        true = np.asarray(segments)[np.asarray(labels) == label]
        total += len(true)
        mine = (one.labels == label).numpy()
        taken = set()
        order = np.argsort(-one.scores.numpy()[mine], kind="stable")
        for segment, score in zip(
            one.segments.numpy()[mine][order], one.scores.numpy()[mine][order]
        ):
            best, row = 0.0, None
            for number, other in enumerate(true):
                shared = min(segment[1], other[1]) - max(segment[0], other[0])
                union = segment[1] - segment[0] + other[1] - other[0] - shared
                if number not in taken and shared > 0 and shared / union > best:
                    best, row = shared / union, number
            hit = row is not None and best >= overlap
            if hit:
                taken.add(row)
            hits.append((score, hit))
    hits.sort(key=lambda pair: -pair[0])
    right = np.array([hit for _, hit in hits], dtype=float)
    if not total or not len(right):
        return 0.0
    recall = np.cumsum(right) / total
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def mean_ap(truth, found, overlaps=(0.5,), labels=CLASSES):
    return float(
        np.mean(
            [average_precision(truth, found, c, t) for t in overlaps for c in labels]
        )
    )
