"""A sentence of what a clip holds: what all heads of captions share."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

if TYPE_CHECKING:
    from ..joint import Fused


class Caption(NamedTuple):
    """What is said of a clip.

    Args:
        text: The sentence.
        score: Mean log probability of a token of it, its end included.
    """

    text: str
    score: float


class BaseCaptionHead(BaseModule, metaclass=ABCMeta):
    """Fused steps to a sentence.

    Subclasses say :meth:`token_loss` and :meth:`generate`; what must not be said of
    which clip is asked of :meth:`unsaid`.

    Args:
        needs: ``{modality: words}`` that are never said of a clip without it. None:
            every word may be said of every clip.
        score_subsets: Write the sentences from every subset of the modalities as well;
            the streams run once.
        init_cfg: Initialisation config.

    Raises:
        ValueError: ``needs`` is no mapping of lists of words.
    """

    over_time = "steps"
    truth = "gt_captions"

    def __init__(
        self,
        *,
        needs: Mapping[str, Sequence[str]] | None = None,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.needed_words = _checked_needs(needs or {})
        self.score_subsets = score_subsets

    @abstractmethod
    def token_loss(self, fused: Fused, texts: Sequence[str]) -> Tensor:
        """Mean cross-entropy of a token of N sentences, one for each clip."""

    @abstractmethod
    def generate(self, fused: Fused) -> list[Caption]:
        """A sentence for each of N clips."""

    def unsaid(self, fused: Fused) -> list[frozenset[str]]:
        """Words that must not be said of each of N clips, by what it lacks.

        Raises:
            ValueError: ``needs`` names a modality that has no stream.
        """
        unknown = sorted(set(self.needed_words) - set(fused.modalities))
        if unknown:
            raise ValueError(
                f"needs: {unknown} has no stream, there are {list(fused.modalities)}"
            )
        return [
            frozenset().union(*(self.needed_words.get(one, ()) for one in lacking))
            for lacking in lacking_of(fused)
        ]

    @torch.no_grad()
    def caption(self, fused: Fused) -> list[Caption]:
        """A sentence for each of N clips, without gradients; none of no clip."""
        return self.generate(fused) if len(fused.features.like) else []

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """``loss_caption``, of one reference of each clip, drawn by chance.

        Args:
            fused: N * M clips, those of a sample one after another.
            data_samples: N, with ``gt_captions``: their reference sentences.

        Raises:
            ValueError: A sample has none; names the file.
        """
        clips = len(fused.features.like) // len(data_samples)
        texts = [
            references[int(torch.randint(len(references), ()))]
            for references in map(references_of, data_samples)
            for _ in range(clips)
        ]
        return dict(loss_caption=self.token_loss(fused, texts))

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """Write ``pred_caption`` and ``pred_caption_score``.

        Of a sample of several clips it is the sentence that scores best. With
        ``score_subsets`` also ``subset_captions``, ``{subset: sentence}``.
        """
        for sample, found in zip(data_samples, self._best(fused, data_samples)):
            sample.pred_caption = found.text
            sample.pred_caption_score = found.score
        if self.score_subsets:
            parts = {
                name: self._best(part, data_samples) for name, part in fused.subsets()
            }
            for row, sample in enumerate(data_samples):
                texts = {name: found[row].text for name, found in parts.items()}
                sample.subset_captions = texts
        return data_samples

    def _best(self, fused: Fused, data_samples: Sequence) -> list[Caption]:
        """The best sentence of each sample."""
        found = self.caption(fused)
        clips = len(found) // len(data_samples)
        return [
            max(found[row : row + clips], key=lambda one: one.score)
            for row in range(0, len(found), clips)
        ]


def lacking_of(fused: Fused) -> list[frozenset[str]]:
    """Modalities that each of N clips does not have."""
    flags = {name: rows.tolist() for name, rows in fused.presence.items()}
    return [
        frozenset(name for name, here in flags.items() if not here[row])
        for row in range(len(fused.features.like))
    ]


def references_of(sample) -> list[str]:
    """``gt_captions`` of a data sample.

    Raises:
        ValueError: There is none, or one that is no text; names the file.
    """
    references = sample.get("gt_captions")
    if isinstance(references, str) or not references:
        name = sample.metainfo.get("filename", "a sample")
        raise ValueError(
            f"{name}: gt_captions is {references!r}, expected a list of its sentences: "
            "the pipeline's last transform has to pack them (keys=['gt_captions'] of "
            "PackFilmSteps, algorithm_keys=['gt_captions'] of PackActionInputs)"
        )
    return list(references)


def _checked_needs(
    needs: Mapping[str, Sequence[str]],
) -> dict[str, frozenset[str]]:
    if not isinstance(needs, Mapping):
        raise ValueError(
            "needs: expected {modality: words}, such as dict(audio=['tone']), got "
            f"{needs!r}"
        )
    for name, words in needs.items():
        if isinstance(words, str) or not all(isinstance(one, str) for one in words):
            raise ValueError(
                f"needs[{name!r}]: expected a list of words, got {words!r}"
            )
    return {name: frozenset(words) for name, words in needs.items()}
