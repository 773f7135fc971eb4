"""The command: what it prints can be pasted, what it writes can be loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import load_script
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope

from mmstconv.disk.own import RECORD

SCRIPT = "tools/convert_checkpoint.py"
BACKBONE = dict(type="ResNet3dSlowOnly", depth=18, lateral=False, base_channels=4)


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    weights = MODELS.build(BACKBONE).state_dict()
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "slowonly_r18.pth"
    torch.save({f"backbone.{key}": value for key, value in weights.items()}, path)
    return path


def run(monkeypatch, *args):
    command = ["convert_checkpoint.py", *map(str, args)]
    monkeypatch.setattr(sys, "argv", command)
    load_script(SCRIPT).main()


def test_the_printed_lines_make_a_stream(source, tmp_path, monkeypatch, capsys):
    run(monkeypatch, source, "--in-channels", "2")
    out = tmp_path / "slowonly_r18_mmstconv.pth"
    assert set(tmp_path.iterdir()) == {source.parent, out, tmp_path / RECORD}
    output = capsys.readouterr().out
    lines = output.splitlines()
    assert lines[0].startswith("mmaction2-slowonly (https://")
    assert "  first convolution 3 -> 2 channels (mean)" in lines
    assert "{'modality': 'flow'}" in output
    assert lines[-1] == "written to slowonly_r18_mmstconv.pth"
    pasted = [line for line in lines if line.startswith(("  backbone=", "  init_cfg="))]
    cfg = eval(f"dict(type='ConvStream', {' '.join(pasted)})")
    assert cfg["init_cfg"] == dict(type="AdaptedPretrained", checkpoint=out.name)
    with DefaultScope.overwrite_default_scope("mmaction"):
        stream = MODELS.build(cfg)
        stream.init_weights()
    old = torch.load(source, weights_only=True)
    new = stream.state_dict()
    assert new.keys() == old.keys()
    for key in new.keys() - {"backbone.conv1.conv.weight"}:
        assert torch.equal(new[key], old[key])


def test_averaged_weights_eps_and_options(source, tmp_path, monkeypatch, capsys):
    weights = torch.load(source, weights_only=True)
    averaged = {key: value.double() for key, value in weights.items()}
    torch.save(dict(model=weights, model_ema=averaged), source)
    run(monkeypatch, source, "--ema", "--eps", "0.01", "--out", tmp_path / "x.pth")
    assert "without --ema" in (said := capsys.readouterr().out)
    assert "norm_cfg=dict(type='BN3d', eps=0.01)" in said
    state = torch.load(tmp_path / "x.pth", weights_only=True)["state_dict"]
    assert state["backbone.conv1.conv.weight"].dtype == torch.float64
    for options, message in (
        (["no_max_pool=True"], "mmaction2-slowonly has no option 'no_max_pool'"),
        (["no_max_pool"], "2"),
    ):
        with pytest.raises(SystemExit, match=message):
            run(monkeypatch, source, "--options", *options)


def test_out(source, tmp_path, monkeypatch, capsys):
    out = tmp_path / "elsewhere" / "mine.pth"
    run(monkeypatch, source, "--out", out)
    assert f"written to {out}" in capsys.readouterr().out
    meta = torch.load(out, weights_only=True)["meta"]["mmstconv"]
    assert meta["source_file"] == source.name
    run(monkeypatch, source, "--in-channels", "2", "--out", out)  # its own it replaces
    changed = torch.load(out, weights_only=True)["meta"]["mmstconv"]
    assert changed["adapted"] and not meta["adapted"]
    torch.save(dict(mine=1), out)
    before = out.read_bytes()
    link = out.with_name("link.pth")
    link.symlink_to(out)
    for path in (out, link):
        with pytest.raises(SystemExit, match=rf"{path.name} is there and was not wri"):
            run(monkeypatch, source, "--out", path)
    assert out.read_bytes() == before and link.is_symlink()


def test_errors_are_one_line(source, tmp_path, monkeypatch):
    (tmp_path / "text.pth").write_text("not a checkpoint")
    for args, message in (
        ([tmp_path / "no.pth"], "no.pth: no such file"),
        ([tmp_path / "text.pth"], "text.pth: is a text file, no checkpoint"),
        ([source, "--out", source], "would overwrite the source"),
        ([source, "--inflate"], "no 2D kernels"),
        ([source, "--in-channels", "0"], "in_channels must be at least 1"),
    ):
        with pytest.raises(SystemExit) as caught:
            run(monkeypatch, *args)
        text = str(caught.value)
        assert text.startswith("convert_checkpoint: ") and message in text
        assert "\n" not in text


def test_what_cannot_be_converted_is_reported_all_the_same(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    weights = {
        "rgb.conv1_7x7_s2.weight": torch.zeros(64, 3, 7, 7),
        "fusion_classification_net.fc_verb.weight": torch.zeros(125, 1024),
    }
    torch.save(dict(state_dict=weights), "tbn.pth.tar")
    with pytest.raises(SystemExit, match="tbn cannot be converted, nothing was"):
        run(monkeypatch, "tbn.pth.tar")
    output = capsys.readouterr().out
    assert "unmatched    2" in output and "rgb.*: 1 tensors" in output
    assert [path.name for path in tmp_path.iterdir()] == ["tbn.pth.tar"]


def test_trust(source, tmp_path, monkeypatch):
    from datetime import date

    weights = torch.load(source, weights_only=True)
    torch.save(dict(state_dict=weights, day=date(2020, 1, 1)), source)
    with pytest.raises(SystemExit, match="--trust"):
        run(monkeypatch, source)
    run(monkeypatch, source, "--trust")
    assert (tmp_path / "slowonly_r18_mmstconv.pth").exists()


def test_as_a_command_of_mim():
    """mim runs ``mmstconv/.mim/tools/NAME.py`` with the arguments left over."""
    root = Path(__file__).resolve().parents[2]
    script = root / "mmstconv" / ".mim" / SCRIPT
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr
    assert "--in-channels" in done.stdout and "--gpus" not in done.stdout
