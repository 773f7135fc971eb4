"""The words of a head, which travel with its weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ....private_names import uses_private

EDGE = 0  # before the first word and behind the last
UNKNOWN = 1
SPECIAL = 2  # ids that are no words
LETTERS = 48  # bytes of a word, in UTF-8
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def words_in(text: str) -> list[str]:
    """Its words in lower case, without punctuation; a hyphen within one stays."""
    return WORD.findall(text.lower())


@uses_private("_load_from_state_dict")
class WordVocabulary(nn.Module):
    """Words as numbers, kept as a buffer of fixed size: a checkpoint needs no file.

    A word that is not known is :data:`UNKNOWN`; it is never said.

    Args:
        words: A file of text with them, such as one a line, or a list. Their order is
            that of their first mention. A file that does not exist is one that a
            checkpoint makes up for.
        size: Ids that there is room for, two of them no words.

    Raises:
        ValueError: They are more, or a word is longer than 48 bytes.
    """

    def __init__(self, words: str | os.PathLike | Sequence[str], size: int) -> None:
        super().__init__()
        if type(size) is not int or size <= SPECIAL:
            raise ValueError(
                f"vocabulary_size must be a whole number above {SPECIAL}, got {size!r}"
            )
        self.size = size
        if isinstance(words, (str, os.PathLike)):
            self.source = os.fspath(words)
            words = _read(self.source)
        else:
            self.source = f"the list of {len(words)} words"
        known = list(dict.fromkeys(one for text in words for one in words_in(text)))
        letters = _letters_of(known, size, self.source)
        self.register_buffer("letters", letters)  # (size, LETTERS)
        # on the host, so that no step waits for the device; None: to be read
        self._words: list[str] | None = known

    @property
    def words(self) -> list[str]:
        """The word of each id from :data:`SPECIAL` on.

        Raises:
            ValueError: There is none.
        """
        if self._words is None:
            rows = self.letters[SPECIAL:].cpu().numpy()
            found = [row.tobytes().rstrip(b"\0").decode() for row in rows]
            self._words = [word for word in found if word]
        if not self._words:
            raise ValueError(
                f"the head knows no word: {self.source} does not exist or has none, "
                "and no checkpoint with words was loaded"
            )
        return self._words

    def ids(self) -> dict[str, int]:
        """``{word: id}``."""
        return {word: k for k, word in enumerate(self.words, SPECIAL)}

    def encode(self, texts: Iterable[str], device: torch.device) -> Tensor:
        """Sentences, each with :data:`EDGE` at its end, padded with -1: ``(N, L)``."""
        ids = self.ids()
        rows = [[*(ids.get(w, UNKNOWN) for w in words_in(t)), EDGE] for t in texts]
        longest = max(map(len, rows), default=1)
        padded = [row + [-1] * (longest - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.long).to(device, non_blocking=True)

    def decode(self, tokens: Sequence[int]) -> str:
        """A sentence of ids up to the first :data:`EDGE`."""
        words, said = self.words, []
        for token in tokens:
            if token == EDGE:
                break
            said.append(words[token - SPECIAL])
        return " ".join(said)

    def sayable(self, unsaid: Sequence[frozenset[str]]) -> Tensor:
        """What may follow in each of N sentences, bool ``(N, size)``.

        Args:
            unsaid: Words that must not be said, of each.

        Raises:
            ValueError: One of them is not among the words.
        """
        ids = self.ids()
        unknown = sorted(set().union(*unsaid) - set(ids))
        if unknown:
            raise ValueError(f"needs: {unknown} are not among the words of the head")
        may = torch.zeros(len(unsaid), self.size, dtype=torch.bool)
        may[:, EDGE] = True
        may[:, SPECIAL : SPECIAL + len(ids)] = True
        for row, words in enumerate(unsaid):
            may[row, [ids[word] for word in words]] = False
        return may.to(self.letters.device, non_blocking=True)

    def _load_from_state_dict(self, state_dict: Mapping, prefix: str, *args) -> None:
        """Words of a checkpoint take the place of those of the file."""
        before = self.letters.clone()
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._words = None
        if before.any() and not before.equal(self.letters):
            print_log(
                f"The words of the checkpoint are not those of {self.source}: the "
                "checkpoint's count. To learn with other words, load the streams alone",
                logger="current",
                level=30,  # a warning
            )


def _read(path: str) -> list[str]:
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def _letters_of(words: Sequence[str], size: int, source: str) -> Tensor:
    if len(words) > size - SPECIAL:
        raise ValueError(
            f"{source} has {len(words)} words, but vocabulary_size={size} has room for "
            f"{size - SPECIAL}: raise it, or leave out rare words"
        )
    letters = torch.zeros(size, LETTERS, dtype=torch.uint8)
    for row, word in enumerate(words, SPECIAL):
        raw = word.encode()
        if len(raw) > LETTERS:
            raise ValueError(f"{source}: a word is longer than {LETTERS} bytes: {word}")
        letters[row, : len(raw)] = torch.tensor(list(raw), dtype=torch.uint8)
    return letters
