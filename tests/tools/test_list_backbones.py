"""docs/backbones.md says what the networks are."""

from __future__ import annotations

import re

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


@pytest.mark.parametrize("arch", TABLE)
def test_row(arch):
    assert TABLE[arch].startswith(TOOL.row(TOOL.count(arch)))


@pytest.mark.parametrize("arch", TABLE)
def test_what_was_published_is_what_it_is(arch):
    """Counts with all digits equal ours, rounded ones to half of their last digit."""
    cells = [cell.strip() for cell in TABLE[arch].strip("|").split("|")]
    ours, published = cells[2].replace(",", ""), cells[6]
    exact = re.match(r"([\d,]+) \[", published)
    if exact:
        assert exact[1].replace(",", "") == ours
    rounded = re.match(r"([\d.]+) M \[", published)
    if rounded:
        assert int(ours) / 1e6 == pytest.approx(float(rounded[1]), rel=3e-3)
    operations = re.match(r"([\d.]+) \[", cells[7])
    if operations and "," in published:
        # theirs are rounded and count the classifier; PANNs' the spectrogram too
        tolerance = 0.08 if arch == "cnn14" else 0.03
        value = float(operations[1])
        assert float(cells[3]) == pytest.approx(value, rel=tolerance)
