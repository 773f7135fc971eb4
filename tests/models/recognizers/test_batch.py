from __future__ import annotations

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmstconv.models.recognizers.batch import check_inputs, read_presence


def sample(**meta):
    return ActionDataSample(metainfo=meta)


def test_presence_is_repeated_for_every_clip():
    data_samples = [
        sample(),
        sample(presence=dict(audio=False)),
        sample(presence=dict(audio=np.bool_(True), rgb=False)),
    ]
    found = read_presence(data_samples, ("rgb", "audio"), 3, 2)
    assert all(rows.dtype == torch.bool for rows in found.values())
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "rgb": [True, True, True, True, False, False],
        "audio": [True, True, False, False, True, True],
    }


def test_everything_is_present_without_data_samples():
    found = read_presence(None, ("rgb",), 2, 3)
    assert list(found) == ["rgb"]
    assert torch.equal(found["rgb"], torch.ones(6, dtype=torch.bool))


def test_inputs_without_a_stream_are_ignored():
    inputs = dict(rgb=torch.rand(2, 3, 3, 4, 4, 4), audio=torch.rand(1))
    assert check_inputs(inputs, ("rgb",)) == (2, 3)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_input_without_clips(shape):
    with pytest.raises(ValueError, match=r"inputs\['audio'\]: expected \(N, M, C"):
        check_inputs(dict(audio=torch.rand(shape)), ("audio",))
