"""What the doctor says and writes, on a network small enough to read."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from datetime import datetime

import pytest
import torch
from mmaction.registry import MODELS

import mmstconv
from mmstconv.checkpoints.conversion import Conversion
from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.layouts import LAYOUTS
from mmstconv.checkpoints.reading import read_checkpoint
from mmstconv.disk.own import RECORD

SLOWONLY = dict(
    type="ResNet3dSlowOnly", depth=18, lateral=False, base_channels=4, in_channels=3
)


@pytest.fixture
def weights():
    torch.manual_seed(0)
    found = MODELS.build(SLOWONLY).state_dict()
    found = {f"backbone.{key}": value.clone() for key, value in found.items()}
    found["cls_head.fc_cls.weight"] = torch.rand(7, 32)
    found["cls_head.fc_cls.bias"] = torch.rand(7)
    return found


@pytest.fixture
def source(weights, tmp_path):
    weights["neck.extra"] = torch.rand(2)
    torch.save(dict(state_dict=weights), tmp_path / "source.pth")
    return tmp_path / "source.pth"


def test_every_layout_has_a_name_of_its_own():
    names = [layout.name for layout in LAYOUTS]
    assert len(set(names)) == len(names) > 10
    assert all(layout.source.startswith("https://") for layout in LAYOUTS)


def test_no_layout_takes_what_is_foreign():
    foreign = {"conv.weight": torch.ones(2, 3, 3, 3, 3), "fc.weight": torch.ones(2, 2)}
    assert [x.name for x in LAYOUTS if x.recognise(foreign)] == []


def test_the_written_file(source, weights, tmp_path):
    out = tmp_path / "out.pth"
    conversion = convert_checkpoint(source, out)
    loaded = torch.load(out, weights_only=True)
    assert loaded["state_dict"].keys() == weights.keys() - {"neck.extra"}
    for key, value in loaded["state_dict"].items():
        assert torch.equal(value, weights[key])
    provenance = loaded["meta"]["mmstconv"]
    assert provenance == dict(
        layout="mmaction2-slowonly",
        source_url="https://github.com/open-mmlab/mmaction2",
        source_file="source.pth",
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        backbone=conversion.backbone,
        preprocessing=conversion.preprocessing,
        adapted=[],
        mmstconv=mmstconv.__version__,
        created=provenance["created"],
    )
    age = datetime.now().astimezone() - datetime.fromisoformat(provenance["created"])
    assert 0 <= age.total_seconds() < 60
    assert provenance["backbone"]["in_channels"] == 3
    assert set(os.listdir(tmp_path)) == {RECORD, "out.pth", "source.pth"}


def test_without_out_nothing_is_written(source, tmp_path):
    assert isinstance(convert_checkpoint(source), Conversion)
    assert os.listdir(tmp_path) == ["source.pth"]


def test_the_table(source, weights):
    conversion = convert_checkpoint(source)
    lines = conversion.table().splitlines()
    assert lines[0] == "mmaction2-slowonly (https://github.com/open-mmlab/mmaction2)"
    counts = {line.split()[0]: int(line.split()[1]) for line in lines[1:5]}
    matched = len(weights) - 1
    assert counts == dict(matched=matched, reshaped=0, unmatched=1, missing=0)
    assert f"  ... and {matched - 3} more" in lines
    assert "  neck.extra" in lines
    assert len(lines) < 20


def test_reshaped_keys_show_both_shapes_and_long_lists_are_condensed(source, weights):
    for index in range(40):
        weights[f"aux.{index}"] = torch.ones(1)
    torch.save(weights, source)
    table = convert_checkpoint(source, in_channels=2).table()
    key = "backbone.conv1.conv.weight"
    line = f"{key} (4, 3, 1, 7, 7) -> {key} (4, 2, 1, 7, 7)"
    assert line in table and "aux.*: 40" in table and "aux.3" not in table


def test_views_do_not_drag_their_storage_along(source, weights, tmp_path):
    """Files of projects that slice: the converted file holds only what it shows."""
    key = "backbone.layer4.1.conv2.conv.weight"
    wide = torch.rand(500, *weights[key].shape)
    weights[key] = wide[3]
    torch.save(weights, source)
    convert_checkpoint(source, tmp_path / "out.pth")
    assert (tmp_path / "out.pth").stat().st_size < source.stat().st_size / 10
    loaded = torch.load(tmp_path / "out.pth", weights_only=True)["state_dict"]
    assert torch.equal(loaded[key], wide[3])


def test_old_files_have_no_batch_counters(source, weights):
    old = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    torch.save(old, source)
    conversion = convert_checkpoint(source)
    assert not conversion.missing
    MODELS.build(conversion.backbone).load_state_dict(
        {k[9:]: v for k, v in conversion.weights.items() if k.startswith("backbone.")}
    )


class TestMisfits:
    """Each one message that names the file, the keys and what to do."""

    def fails(self, source, content, *parts, error=ValueError, **kwargs):
        torch.save(content, source)
        with pytest.raises(error) as caught:
            convert_checkpoint(source, source.with_name("out.pth"), **kwargs)
        for part in (str(source), *parts):
            assert part in str(caught.value)
        assert os.listdir(source.parent) == [source.name]

    def test_unknown_layout(self, source):
        foreign = {"encoder.weight": torch.ones(2), "decoder.weight": torch.ones(2)}
        names = [layout.name for layout in LAYOUTS]
        self.fails(source, foreign, "unknown", "encoder.weight", *names)

    def test_missing_key(self, source, weights):
        del weights["backbone.layer2.0.conv1.bn.running_var"]
        self.fails(
            source, weights, "slowonly", "Missing: backbone.layer2.0.conv1.bn.running"
        )

    def test_first_convolution_only_of_another_name(self, source, weights):
        key = "backbone.layer4.0.downsample.conv.weight"
        weights[key.replace("conv", "convolution")] = weights.pop(key)
        self.fails(source, weights, "Missing: " + key, "Not part of the network")

    def test_wrong_shape(self, source, weights):
        key = "backbone.layer3.0.conv1.bn.bias"
        weights[key] = torch.ones(99)
        self.fails(source, weights, f"{key} is (99,), not (16,)")

    def test_our_own_files(self, source):
        content = dict(state_dict={}, meta=dict(mmstconv=dict(layout="i3d-x")))
        self.fails(source, content, "converted already", "i3d-x")

    def test_our_own_recognizers(self, source):
        content = {"state_dict": {"streams.rgb.backbone.x": torch.ones(1)}}
        self.fails(source, content, "TriModalRecognizer", "streams.rgb")

    def test_nothing_to_inflate(self, source, weights):
        self.fails(source, weights, "no 2D kernels", inflate=True)

    def test_no_tensor(self, source):
        self.fails(source, dict(epoch=3), "no tensor", "epoch")


def test_a_converted_file_is_recognised_as_such(source, tmp_path):
    convert_checkpoint(source, tmp_path / "out.pth")
    with pytest.raises(ValueError, match=r"out\.pth: is converted .*from source\.pth"):
        convert_checkpoint(tmp_path / "out.pth")


def test_the_source_is_never_overwritten(source, tmp_path):
    before = source.read_bytes()
    (tmp_path / "link.pth").symlink_to(source)
    for out in (source, tmp_path / "link.pth"):
        with pytest.raises(ValueError, match="would overwrite the source"):
            convert_checkpoint(source, out)
    assert source.read_bytes() == before


def test_a_failed_write_leaves_the_old_file_and_nothing_else(source, tmp_path):
    out = tmp_path / "out.pth"
    conversion = convert_checkpoint(source, out)
    before = out.read_bytes()
    broken = {**conversion.weights, "x": lambda: "cannot be pickled"}
    with pytest.raises(Exception, match="pickle"):
        dataclasses.replace(conversion, weights=broken).save(out)
    assert out.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {RECORD, "out.pth", "source.pth"}


def test_arguments(source, tmp_path):
    with pytest.raises(ValueError, match="in_channels must be at least 1, got 0"):
        convert_checkpoint(source, in_channels=0)
    with pytest.raises(
        ValueError, match=r"modality is 'depth', must be one of \('rgb'"
    ):
        convert_checkpoint(source, modality="depth")
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere does not exist"):
        convert_checkpoint(source, tmp_path / "nowhere" / "out.pth")
    with pytest.raises(FileNotFoundError, match="no such file"):
        convert_checkpoint(tmp_path / "no.pth")


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, "rgb"),
        (dict(modality="rgb"), "rgb"),
        (dict(in_channels=3), "rgb"),
        (dict(in_channels=2), dict(modality="flow")),
        (dict(in_channels=1, modality="audio"), dict(modality="audio")),
        (dict(modality="flow"), dict(modality="flow")),
    ],
    ids=str,
)
def test_the_source_s_statistics_stay_only_with_its_input(source, kwargs, expected):
    conversion = convert_checkpoint(source, **kwargs)
    if expected == "rgb":
        assert conversion.preprocessing["mean"] == [123.675, 116.28, 103.53]
        assert not any("do not apply" in note for note in conversion.notes)
    else:
        assert conversion.preprocessing == expected
        assert any("do not apply" in note for note in conversion.notes)


def test_trust_reaches_the_reader(source, weights):
    class_of_ours = datetime(2020, 1, 1)
    torch.save(dict(state_dict=weights, when=class_of_ours), source)
    with pytest.raises(ValueError, match=r"datetime.*--trust"):
        convert_checkpoint(source)
    assert convert_checkpoint(source, trust=True).matched
    assert "when" in read_checkpoint(source, trust=True)
