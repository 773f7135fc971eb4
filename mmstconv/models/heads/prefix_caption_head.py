"""A sentence of what a clip holds, by a Hugging Face language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mmaction.registry import MODELS
from torch import Tensor, cat

from ..layers import StepPrefix
from .base_caption_head import BaseCaptionHead, Caption, lacking_of
from .language import LanguageModel, Prompt

if TYPE_CHECKING:
    from ..joint import Fused


@MODELS.register_module()
class PrefixCaptionHead(BaseCaptionHead):
    """A language model that reads some vectors of the video, and goes on with words.

    `ClipCap <https://arxiv.org/abs/2111.09734>`_ over time: fused steps become
    ``num_prefix`` vectors (:class:`StepPrefix`), which stand in the prompt where it
    says ``{video}``. A causal model continues the prompt; an encoder-decoder model
    encodes it. What is kept in checkpoints is said at :class:`LanguageModel`.

    Args:
        in_channels: D of ``fused.steps``; the recognizer says it.
        stream_channels: ``{modality: channels}``; the recognizer says it.
        language_model: Folder of the model and its tokenizer.
        tuning: ``'frozen'``, ``'lora'`` or ``'full'``. Streams and joint learn
            each way.
        lora: Arguments of peft's ``LoraConfig``, with ``tuning='lora'``.
        num_prefix: Vectors of a clip, 8 to 32 as a rule.
        prompt: Text around them; ``{absent}`` in it is what ``absent`` says.
        absent: ``{modality: sentence}`` of clips that lack it. A learned vector tells
            the language model of it in any case.
        generation: Arguments of transformers' ``GenerationConfig``: ``num_beams``,
            ``do_sample``, ``top_p``, ``max_new_tokens`` and others. None: greedy, at
            most 32 tokens.
        gives_scores: Whether the joint fuses scores; the recognizer says it.
        needs: See :class:`BaseCaptionHead`.
        score_subsets: See :class:`BaseCaptionHead`.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N clips.
        - Output: vectors of the video ``(N, num_prefix, C)``, C the width of the
          language model.

    Raises:
        FileNotFoundError: There is no language model in the folder.
        ImportError: transformers, peft or gguf is needed and missing.
        ValueError: An argument does not fit; names it.
    """

    def __init__(
        self,
        in_channels: int,
        stream_channels: Mapping[str, int],
        language_model: str,
        *,
        tuning: str = "frozen",
        lora: Mapping | None = None,
        num_prefix: int = 16,
        prompt: str = "{video}",
        absent: Mapping[str, str] | None = None,
        generation: Mapping | None = None,
        gives_scores: bool = False,
        needs: Mapping[str, Sequence[str]] | None = None,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(needs=needs, score_subsets=score_subsets, init_cfg=init_cfg)
        if gives_scores:
            raise ValueError(
                "joint.fusion fuses scores of classes, a caption needs features: take "
                "ConcatFusion or GatedMultimodalUnit"
            )
        if type(num_prefix) is not int or num_prefix < 1:
            raise ValueError(
                f"num_prefix is {num_prefix!r}, expected a whole number from 1 on"
            )
        unknown = sorted(set(absent or {}) - set(stream_channels))
        if unknown:
            raise ValueError(
                f"absent: {unknown} has no stream, there are {list(stream_channels)}"
            )
        self.prompt = Prompt(prompt, absent)
        self.language = LanguageModel(
            language_model, tuning=tuning, lora=lora, generation=generation
        )
        self.prefix = StepPrefix(
            in_channels,
            self.language.width,
            num_prefix,
            list(stream_channels),
            scale=float(self.language.embeddings.weight.detach().float().std()),
        )

    @classmethod
    def needs(cls, cfg: Mapping, stream_channels: Mapping[str, int]) -> dict:
        """It asks nothing of the joint, but is told the streams."""
        return {}

    def forward(self, fused: Fused) -> Tensor:
        return self.prefix(fused.steps, fused.valid, fused.presence)

    def contexts(self, fused: Fused) -> list[Tensor]:
        """What the language model reads of each clip, ``(L_i, C)``."""
        vectors = self(fused)  # (N, K, C)
        around = {}
        contexts = []
        for row, lacking in enumerate(lacking_of(fused)):
            if lacking not in around:
                around[lacking] = self._around(lacking)
            before, after = around[lacking]
            contexts.append(cat([before, vectors[row].to(before.dtype), after]))
        return contexts

    def _around(self, lacking: frozenset[str]) -> tuple[Tensor, Tensor]:
        """The prompt before and after the video, ``(L, C)`` each."""
        first, last = self.language.special
        before, after = map(self.language.tokens, self.prompt.around(lacking))
        return self.language.embed(first + before), self.language.embed(after + last)

    def token_loss(self, fused: Fused, texts: Sequence[str]) -> Tensor:
        sentences = [self.language.sentence(text) for text in texts]
        found, real = self.language.log_probs(self.contexts(fused), sentences)
        return -found.sum() / real.sum()

    def generate(self, fused: Fused) -> list[Caption]:
        contexts = self.contexts(fused)
        written = self.language.write(contexts, self.unsaid(fused))
        found, real = self.language.log_probs(contexts, written)
        scores = (found.sum(1) / real.sum(1)).tolist()
        return [
            Caption(self.language.text(ids), score)
            for ids, score in zip(written, scores)
        ]
