"""TBN: recognised, counted part by part, and not converted."""

from __future__ import annotations

import pytest
import torch

from mmstconv.checkpoints.doctor import convert_checkpoint

WIDTHS = {"rgb": 3, "flow": 10, "spec": 1}  # flow stacks five pairs


def weights(names=("rgb", "flow", "spec")):
    found = {}
    for name in names:
        stem = f"{name}.conv1_7x7_s2"
        found[f"{stem}.weight"] = torch.zeros(64, WIDTHS[name], 7, 7)
        found[f"{stem}.bias"] = torch.zeros(64)
        found[f"{stem}_bn.running_mean"] = torch.zeros(64)
        unit = f"{name}.inception_3a_double_3x3_2"
        found[f"{unit}.weight"] = torch.zeros(96, 96, 3, 3)
    fusion = "fusion_classification_net"
    found[f"{fusion}.fc1.weight"] = torch.zeros(512, 1024 * len(names))
    found[f"{fusion}.fc1.bias"] = torch.zeros(512)
    found[f"{fusion}.fc_verb.weight"] = torch.zeros(125, 512)
    found[f"{fusion}.fc_noun.weight"] = torch.zeros(352, 512)
    return found


@pytest.mark.parametrize("names", [("rgb", "flow", "spec"), ("spec",)])
def test_report(tmp_path, names):
    path, source = tmp_path / "x.pth.tar", weights(names)
    wrapped = {f"module.{key}": value for key, value in source.items()}
    torch.save(dict(epoch=80, arch="BNInception", state_dict=wrapped), path)
    conversion = convert_checkpoint(path)
    assert conversion.layout.name == "tbn" and not conversion.layout.convertible
    assert list(conversion.unmatched) == list(source)
    assert not conversion.matched and not conversion.weights
    table = conversion.table()
    for name in WIDTHS:
        line = f"{name}.*: 4 tensors of a 2D BN-Inception over {WIDTHS[name]} channels"
        assert (line in table) == (name in names)
    assert "fc_verb (125, 512), fc_noun (352, 512)" in table
    assert "BN-Inception is not the Inception-v1" in table


def test_nothing_is_written(tmp_path):
    torch.save(weights(), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth: tbn cannot be converted.*Inception"):
        convert_checkpoint(tmp_path / "x.pth", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()
