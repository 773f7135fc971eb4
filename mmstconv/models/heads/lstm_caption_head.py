"""A sentence of what a clip holds, by a small decoder of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from ..layers import length_mask
from .base_caption_head import BaseCaptionHead, Caption
from .captions.attention_decoder import AttentionDecoder, Memory
from .captions.beam_search import beam_search
from .captions.vocabulary import EDGE, SPECIAL, UNKNOWN, WordVocabulary

if TYPE_CHECKING:
    from ..joint import Fused

State = tuple[Tensor, ...]


@MODELS.register_module()
class LSTMCaptionHead(BaseCaptionHead):
    """LSTM decoder with additive attention over the fused steps.

    Encoder and decoder of `Bahdanau et al. 2015 <https://arxiv.org/abs/1409.0473>`_: a
    bidirectional LSTM over the steps, and a decoder that looks at them anew for each
    word. It needs no weights and no tokenizer; its words are in the checkpoint.

    Args:
        in_channels: D of ``fused.steps``.
        words: A text file with the words, such as one a line or the sentences
            themselves, or a list. Where a checkpoint is loaded its words count, and the
            file need not exist.
        vocabulary_size: Room for words, two more than there are at least; the same for
            training and use.
        channels: Of the encoder and of the decoder's state.
        embedding: Channels of a word.
        dropout_ratio: Of the steps and of what the words are read from.
        beam: Sentences that the search follows at once; 1: the best word each time.
        max_length: Words of a sentence, at most.
        needs: Of :class:`BaseCaptionHead`.
        score_subsets: Of :class:`BaseCaptionHead`.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N clips.
        - Output: logits of the words that :meth:`generate` says with a beam of 1,
          ``(N, L, vocabulary_size)``.

    Raises:
        ValueError: The words do not fit into the vocabulary, ``beam`` or
            ``max_length`` is below 1, or ``channels`` is odd.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        words: str | os.PathLike | Sequence[str],
        vocabulary_size: int,
        channels: int = 128,
        embedding: int = 32,
        dropout_ratio: float = 0.3,
        beam: int = 3,
        max_length: int = 30,
        needs: Mapping[str, Sequence[str]] | None = None,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(needs=needs, score_subsets=score_subsets, init_cfg=init_cfg)
        for name, value in (("beam", beam), ("max_length", max_length)):
            if type(value) is not int or value < 1:
                raise ValueError(
                    f"{name} must be a whole number from 1 on, got {value!r}"
                )
        if channels % 2:
            raise ValueError(f"channels must be even, got {channels}")
        self.beam, self.max_length = beam, max_length
        self.vocabulary = WordVocabulary(words, vocabulary_size)
        self.dropout = torch.nn.Dropout(dropout_ratio)
        self.memory = Memory(in_channels, channels)
        self.decoder = AttentionDecoder(
            vocabulary_size,
            memory=channels,
            channels=channels,
            embedding=embedding,
            attention=channels // 2,
            dropout_ratio=dropout_ratio,
        )

    def forward(self, fused: Fused) -> Tensor:
        state = self.begin(fused)
        may = self.vocabulary.sayable(self.unsaid(fused))
        word = torch.full((len(may),), EDGE, device=may.device)
        done, logits = word < 0, []
        while len(logits) < self.max_length and not (logits and bool(done.all())):
            found, state = self.decoder(word, state)
            logits.append(found)
            word = found.masked_fill(~may, float("-inf")).argmax(1)
            word = torch.where(done, EDGE, word)
            done = done | (word == EDGE)
        return torch.stack(logits, dim=1)

    def begin(self, fused: Fused) -> State:
        """The decoder's state before the first word."""
        steps = self.dropout(fused.steps)  # (N, T, D)
        if fused.valid is None:
            return self.decoder.begin(self.memory(steps, None), None)
        real = length_mask(fused.valid, steps)
        return self.decoder.begin(self.memory(steps, fused.valid.cpu()), real)

    def word_logits(self, fused: Fused, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """What follows each word of given sentences.

        Returns:
            Logits ``(N, L, vocabulary_size)`` and the words that do follow, ``(N, L)``,
            the end among them; -1 at padding.
        """
        state = self.begin(fused)
        wanted = self.vocabulary.encode(texts, state[0].device)  # (N, L)
        given = F.pad(wanted[:, :-1].clamp(min=EDGE), (1, 0), value=EDGE)
        logits = []
        for words in given.unbind(1):
            found, state = self.decoder(words, state)
            logits.append(found)
        return torch.stack(logits, dim=1), wanted

    def token_loss(self, fused: Fused, texts: Sequence[str]) -> Tensor:
        logits, wanted = self.word_logits(fused, texts)
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-1)

    def generate(self, fused: Fused) -> list[Caption]:
        state = self.begin(fused)
        may = self.vocabulary.sayable(self.unsaid(fused))

        def step(words: Tensor, state: State) -> tuple[Tensor, State]:
            logits, inner = self.decoder(words, state[1:])
            logits = logits.masked_fill(~state[0], float("-inf"))
            return logits.log_softmax(1), (state[0], *inner)

        found = beam_search(
            step, (may, *state), edge=EDGE, beam=self.beam, max_length=self.max_length
        )
        pairs = zip(found.tokens.tolist(), found.score.tolist())
        return [Caption(self.vocabulary.decode(one), score) for one, score in pairs]

    @torch.no_grad()
    def choose(
        self, fused: Fused, texts: Sequence[str], options: Sequence[str]
    ) -> list[str | None]:
        """Which of some words it would say where a true sentence has one of them.

        The rest of the choice is given: the true words up to there. What the head
        leaves unsaid of a clip (``needs``) is not left out.

        Args:
            fused: N clips.
            texts: A true sentence of each.
            options: Words of which a sentence has one.

        Returns:
            A word for each clip; None where its sentence has none of them.
        """
        ids = self.vocabulary.ids()
        numbers = torch.tensor([ids.get(word, UNKNOWN) for word in options])
        if int(numbers.min()) < SPECIAL:
            raise ValueError(f"options: {list(options)} are not all among the words")
        logits, wanted = self.word_logits(fused, texts)
        here = torch.isin(wanted, numbers.to(wanted.device))  # (N, L)
        row = torch.arange(len(wanted), device=wanted.device)
        place = here.int().argmax(1)
        best = logits[row, place][:, numbers].argmax(1).tolist()
        return [
            options[k] if some else None for k, some in zip(best, here.any(1).tolist())
        ]
