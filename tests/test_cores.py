"""Loader processes follow from the cores that a process may use."""

from __future__ import annotations

import os

import pytest
from conftest import ROOT
from mmengine.config import Config

OWN = ROOT / "configs/recognition/stconvnet/stlite_lstm_own-videos-rgb-flow-audio.py"


def workers(config=OWN) -> int:
    return Config.fromfile(config).train_dataloader.num_workers


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_as_many_as_cores_that_are_left(tmp_path, monkeypatch):
    cores = os.sched_getaffinity(0)
    assert 1 <= workers() <= min(len(cores), 8)
    explicit = tmp_path / "explicit.py"
    explicit.write_text(
        f"_base_ = [{str(OWN)!r}]\ntrain_dataloader = dict(num_workers=5)\n"
    )
    assert workers(explicit) == 5
    with monkeypatch.context() as patch:
        patch.setenv("LOCAL_WORLD_SIZE", str(len(cores)))  # processes that share them
        assert workers() == 1
    os.sched_setaffinity(0, [min(cores)])  # as taskset does
    try:
        assert workers() == 1
        assert workers(explicit) == 5
    finally:
        os.sched_setaffinity(0, cores)
