"""The command that lists the words of sentences: what it counts, keeps and refuses."""

from __future__ import annotations

import re
import sys

import pytest
from conftest import load_script

from mmstconv.models.heads.captions.vocabulary import WordVocabulary

TOOL = load_script("tools/data/list_words.py")
CSV = (
    "\ufefffile,start,end,text\r\n"
    "a.mp4,0,1,A square moves; it's red.\r\n"
    "a.mp4,1,2,a SQUARE moves\r\n"
    "b.mp4,,,\r\n"
    "b.mp4,,,Ein Würfel fällt\r\n"
    "b.mp4,,,a 走る\r\n"
)


def call(monkeypatch, *arguments):
    command = ["list_words.py", *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", command)
    TOOL.main()


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_bytes(CSV.encode())
    return path


def test_words_by_how_often_they_are_said(monkeypatch, capsys, table, tmp_path):
    out = tmp_path / "words.txt"
    call(monkeypatch, table, "--out", out)
    assert out.read_text("utf-8").split() == ["a", "moves", "square"]
    said = capsys.readouterr().out
    # 3 + 2 + 2 of the 13 words of five sentences
    assert "3 of 9 words, 53.8% of what is said" in said
    call(monkeypatch, table, "--out", out, "--at-least", 1)
    words = out.read_text("utf-8").split()
    assert words[:3] == ["a", "moves", "square"]
    assert {"würfel", "走る", "it's", "red"} < {*words}
    size = int(re.search(r"vocabulary_size=(\d+)", capsys.readouterr().out)[1])
    assert WordVocabulary(out, size).words == words
    with pytest.raises(ValueError, match="has room for"):
        WordVocabulary(out, size - 1)


def test_what_cannot_be_used_is_a_sentence(monkeypatch, table, tmp_path):
    out = tmp_path / "words.txt"
    with pytest.raises(SystemExit, match="said 9 times: lower --at-least"):
        call(monkeypatch, table, "--out", out, "--at-least", 9)
    out.write_text("the user's\n")
    with pytest.raises(SystemExit, match="was not written by this tool"):
        call(monkeypatch, table, "--out", out)
    assert out.read_text() == "the user's\n"
    table.write_text("file;text\na;x\n")
    with pytest.raises(SystemExit, match="list_words: malformed annotation"):
        call(monkeypatch, table, "--out", tmp_path / "other.txt")
