"""Which clips have sound, and the accuracy on these, for any recognizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric

from mmstconv.media import open_media


def read_list(path: Path) -> list[tuple[str, int]]:
    """Names and labels of an annotation file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit(maxsplit=1) for line in lines if line.strip()]
    return [(name, int(label)) for name, label in rows]


def have_sound(files: Sequence[Path]) -> list[bool]:
    """Of each file whether it has a sound track."""
    found = []
    for path in files:
        with open_media(path) as media:
            found.append(media.has_audio)
    return found


@METRICS.register_module()
class SoundingAccuracy(BaseMetric):
    """``clips/sounding``: accuracy on the clips that have sound, in one process.

    MMAction2's recognizers do not know which these are, so they are told by place.

    Args:
        sounding: Of each sample of the data set, in order.
    """

    default_prefix = "clips"

    def __init__(self, sounding: Sequence[bool]) -> None:
        super().__init__()
        self.sounding = sounding

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        self.results.extend(
            int(sample["pred_score"].argmax()) == int(sample["gt_label"])
            for sample in data_samples
        )

    def compute_metrics(self, results: Sequence[bool]) -> dict[str, float]:
        chosen = [right for right, sounds in zip(results, self.sounding) if sounds]
        return dict(sounding=sum(chosen) / len(chosen)) if chosen else {}
