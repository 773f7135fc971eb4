"""Words that a sentence must not have, however tokens spell them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


class UnsaidWords:
    """A logits processor of transformers: no sentence gets one of its words.

    A token is forbidden where the text with it would end in a word, or have it inside,
    upper or lower case alike. So words of several tokens are found, too, and also one
    that goes on, such as ``tones`` by ``tone`` and ``s``.

    Args:
        tokenizer: Of the language model.
        rows: Words of each sentence; with beams each sentence has as many rows.
    """

    def __init__(self, tokenizer, rows: Sequence[frozenset[str]]) -> None:
        self.tokenizer = tokenizer
        self.rows = rows
        self.tables = {words: _table(tokenizer, words) for words in set(rows)}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.clone()
        for row, words in enumerate(self.rows):
            if words:
                text = self.tokenizer.decode(input_ids[row], skip_special_tokens=True)
                banned = torch.tensor(self.tables[words].after(text), dtype=torch.long)
                scores[row, banned.to(scores.device)] = float("-inf")
        return scores


class _Table:
    """Which tokens would complete a word, by what the text ends with."""

    def __init__(self, texts: Sequence[str], words: Sequence[str]) -> None:
        self.inside = _matching(texts, [rf"\W{re.escape(one)}(?!\w)" for one in words])
        self.after_part: list[tuple[re.Pattern, list[int]]] = []
        for word in words:
            for cut in range(len(word)):
                said, rest = re.escape(word[:cut]), re.escape(word[cut:])
                tokens = _matching(texts, [rf"\A{rest}(?!\w)"])
                ends = re.compile(rf"(?<!\w){said}\Z", re.IGNORECASE)
                if tokens:
                    self.after_part.append((ends, tokens))

    def after(self, text: str) -> list[int]:
        """Tokens that must not come behind a text."""
        found = list(self.inside)
        for ends, tokens in self.after_part:
            if ends.search(text):
                found += tokens
        return found


def _matching(texts: Sequence[str], patterns: Sequence[str]) -> list[int]:
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return [token for token, text in enumerate(texts) if pattern.search(text)]


@lru_cache(maxsize=32)
def _table(tokenizer, words: frozenset[str]) -> _Table:
    return _Table(token_texts(tokenizer), sorted(words))


@lru_cache(maxsize=4)
def token_texts(tokenizer) -> tuple[str, ...]:
    """What each token adds to a text, by its id.

    A token by itself may lose the space before it, so each is read behind another one.
    """
    (before, *_) = tokenizer("a", add_special_tokens=False).input_ids
    start = len(tokenizer.decode([before]))
    # one by one: a batch would start threads, which loaders must not be forked beside
    texts = (tokenizer.decode([before, token]) for token in range(len(tokenizer)))
    return tuple(text[start:] for text in texts)
