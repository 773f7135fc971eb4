"""The proof of the shared trunk: what differs from single models is a fault."""

from __future__ import annotations

import copy
import json

import pytest
from conftest import load_script
from tools.test_analyze_tool import call, folder, parts  # noqa: F401

from mmstconv.apis import join_tasks

PROOF = load_script("tools/demo_proof_analysis.py")
ANALYZE = load_script("tools/analyze.py")


@pytest.fixture(scope="module")
def analysed(parts, folder, tmp_path_factory):  # noqa: F811
    """What a joined model says of a film, as the proof has it written."""
    place = tmp_path_factory.mktemp("place")
    tasks = {name: parts[name] for name in ("events", "summary")}
    joined = join_tasks(tasks, place / "joined.pth")
    out = place / "analysis.json"
    patch = pytest.MonkeyPatch()
    options = ("--out", out, "--device", "cpu", "--share", PROOF.SHARE * 4)
    with patch.context() as patch:
        assert call(patch, ANALYZE, *joined, folder / "a.mp4", *options) == 0
    found = json.loads(out.read_text())["results"]
    return tasks, {one["video"]: one for one in found.values()}


def test_what_is_the_same_passes_and_a_slip_does_not(analysed, monkeypatch):
    tasks, found = analysed
    monkeypatch.setattr(PROOF, "SHARE", 0.6)
    measured = PROOF.measure(tasks, found)
    assert PROOF.judge(measured) == [] and "a.mp4" in PROOF.table(measured)
    (film,) = measured["films"].values()
    assert film["shots"] > 0 and film["events"] > 0
    wrong = []
    for slip in (
        lambda said: said["events"].pop(),
        lambda said: said["events"][0].update(label="another"),
        lambda said: said["summary"]["shots"][0].update(score=0.9),
        lambda said: said["summary"]["shots"][0].update(chosen=None),
    ):
        spoiled = copy.deepcopy(found)
        slip(next(iter(spoiled.values())))
        faults = PROOF.judge(PROOF.measure(tasks, spoiled))
        if len(faults) != 1 or "something else than single models" not in faults[0]:
            wrong.append(faults)
    assert not wrong
