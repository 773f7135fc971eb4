"""docs/backbones.md says what the networks are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import ROOT, load_script

TABLE = {
    match[1]: line
    for line in (ROOT / "docs/backbones.md").read_text().splitlines()
    if (match := re.match(r"\| `(\w+)` \|", line))
}
TOOL = load_script("tools/analysis/list_backbones.py")


def test_every_network_is_listed():
    assert list(TABLE) == [*TOOL.ST_ARCHS, *TOOL.MEL_ARCHS, *TOOL.AUDIO_ARCHS]


def test_rows():
    wrong = [
        arch for arch in TABLE if not TABLE[arch].startswith(TOOL.row(TOOL.count(arch)))
    ]
    assert not wrong, wrong


def differences(arch: str) -> Iterator[str]:
    """Counts with all digits equal ours, rounded ones to half of their last digit."""
    cells = [cell.strip() for cell in TABLE[arch].strip("|").split("|")]
    ours, published = cells[2].replace(",", ""), cells[6]
    exact = re.match(r"([\d,]+) \[", published)
    if exact and exact[1].replace(",", "") != ours:
        yield f"{arch}: {ours} parameters, {exact[1]} published"
    rounded = re.match(r"([\d.]+) M \[", published)
    if rounded and int(ours) / 1e6 != pytest.approx(float(rounded[1]), rel=3e-3):
        yield f"{arch}: {ours} parameters, {rounded[1]} M published"
    operations = re.match(r"([\d.]+) \[", cells[7])
    if operations and "," in published:
        # theirs are rounded and count the classifier; PANNs' the spectrogram too
        tolerance = 0.08 if arch == "cnn14" else 0.03
        value = float(operations[1])
        if float(cells[3]) != pytest.approx(value, rel=tolerance):
            yield f"{arch}: {cells[3]} operations, {value} published"


def test_what_was_published_is_what_it_is():
    found = [problem for arch in TABLE for problem in differences(arch)]
    assert not found, "\n".join(found)
