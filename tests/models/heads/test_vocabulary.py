"""The words of a caption head: from a file into the checkpoint, and out of it."""

from __future__ import annotations

import pytest
import torch

from mmstconv.models.heads.captions.vocabulary import WordVocabulary, words_in


def test_a_checkpoint_needs_no_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("A dog barks.\nZwei Hündchen bellen; don't!\n", encoding="utf-8")
    before = WordVocabulary(path, 20)
    words = ["a", "dog", "barks", "zwei", "hündchen", "bellen", "don't"]
    assert before.words == words
    torch.save(before.state_dict(), tmp_path / "weights.pth")
    path.unlink()
    after = WordVocabulary(path, 20)
    with pytest.raises(ValueError, match=r"knows no word: .*words\.txt does not exist"):
        _ = after.words
    after.load_state_dict(torch.load(tmp_path / "weights.pth", weights_only=True))
    assert after.words == words
    other = WordVocabulary(["cat"], 20)
    other.load_state_dict(before.state_dict())
    assert other.words == words and other.decode([4, 2, 0, 3]) == "barks a"


def test_sentences_as_numbers():
    vocabulary = WordVocabulary(["up", "down"], 5)
    found = vocabulary.encode(["Down, up!", "sideways", ""], torch.device("cpu"))
    assert found.tolist() == [[3, 2, 0], [1, 0, -1], [0, -1, -1]]
    assert vocabulary.decode([3, 2, 0]) == "down up"
    may = vocabulary.sayable([frozenset(), frozenset({"up"})])
    assert may.tolist() == [[1, 0, 1, 1, 0], [1, 0, 0, 1, 0]]
    assert words_in("It's well-known: 2 dogs_run") == [
        *("it's", "well-known", "2", "dogs", "run")
    ]


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="has 3 words, but vocabulary_size=4 has room"):
        WordVocabulary(["a", "b", "c"], 4)
    with pytest.raises(ValueError, match="a word is longer than 48 bytes"):
        WordVocabulary(["x" * 49], 4)
    with pytest.raises(ValueError, match="must be a whole number above 2"):
        WordVocabulary(["a"], 2)
