"""Files of every kind: opened, or refused with one clear message."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from mmstconv.checkpoints.containers import weights_of
from mmstconv.checkpoints.reading import read_checkpoint, tensors_of

WEIGHTS = OrderedDict(weight=torch.arange(12.0).view(3, 4), bias=torch.ones(3))


def as_file(content, path, **kwargs):
    torch.save(content, path, **kwargs)
    return path


def test_any_name_and_both_formats_of_torch_save(tmp_path):
    for name in ("a.pth", "a.pt", "a.pickle", "a.pth.tar", "a"):
        for new in (True, False):
            path = tmp_path / name
            loaded = read_checkpoint(
                as_file(WEIGHTS, path, _use_new_zipfile_serialization=new)
            )
            assert list(loaded) == ["weight", "bias"], (name, new)
            assert torch.equal(loaded["weight"], WEIGHTS["weight"]), (name, new)


def fails(path, *parts, error=ValueError, **kwargs):
    with pytest.raises(error) as caught:
        read_checkpoint(path, **kwargs)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400 + len(str(path))
    for part in (str(path), *parts):
        assert part in message


def test_no_file(tmp_path):
    fails(tmp_path / "no.pth", "no such file", error=FileNotFoundError)
    fails(tmp_path, "is a folder", error=FileNotFoundError)


@pytest.mark.parametrize(
    "content",
    [b"a text\n" * 50, b"<html>not found</html>", bytes(range(256)) * 8, b"\x80\x02"],
    ids=["text", "html", "bytes", "start of a pickle"],
)
def test_no_checkpoint(tmp_path, content):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    fails(path)
    fails(path, trust=True)


def test_an_empty_file(tmp_path):
    path = tmp_path / "x.pth"
    path.touch()
    fails(path, "is empty", "download")


def test_a_truncated_file(tmp_path):
    for kind, new in (("zip", True), ("legacy", False)):
        for part in (0.2, 0.6, 0.99):
            path = as_file(
                {"weight": torch.rand(64, 64)},
                tmp_path / f"{kind}_{part}.pth",  # the name is in a failure's text
                _use_new_zipfile_serialization=new,
            )
            content = path.read_bytes()
            path.write_bytes(content[: int(len(content) * part)])
            fails(path, "broken")


def test_a_bit_that_flipped_inside_a_tensor(tmp_path):
    """torch takes the number as it is."""
    path = as_file({"weight": torch.zeros(64, 64)}, tmp_path / "x.pth")
    whole = path.read_bytes()
    zeros = whole.find(bytes(64 * 64 * 4))
    for where in (0.1, 0.5, 0.9):
        content = bytearray(whole)
        content[zeros + int(where * 64 * 64 * 4)] ^= 16
        path.write_bytes(content)
        assert torch.load(path, weights_only=True)["weight"].count_nonzero() == 1
        fails(path, "broken", "CRC")
        fails(path, "broken", "CRC", trust=True)


def test_mutated_bytes_are_found(tmp_path):
    """Whatever happens to a file: an error that names it, or the very content."""
    path = as_file(dict(state_dict=WEIGHTS, meta=dict(epoch=1)), tmp_path / "x.pth")
    good = path.read_bytes()
    draw = np.random.default_rng(0)
    found = 0
    for _ in range(300):
        content = bytearray(good)
        first = draw.integers(len(good))
        last = first + draw.choice([1, 1, 2, 40])
        content[first:last] = draw.bytes(draw.choice([last - first, 1, 30]))
        path.write_bytes(content)
        try:
            loaded = read_checkpoint(path)
        except ValueError as error:
            assert str(path) in str(error)
            found += 1
        else:
            assert loaded["meta"] == dict(epoch=1)
            assert loaded["state_dict"].keys() == WEIGHTS.keys()
            for name, value in WEIGHTS.items():
                assert torch.equal(loaded["state_dict"][name], value)
    assert 200 < found < 300


def test_a_compressed_bomb(tmp_path):
    """4 MB that take 4 kB: torch would unpack any size."""
    plain = as_file({"weight": torch.zeros(1000, 1000)}, tmp_path / "plain.pth")
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(plain) as old:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for member in old.infolist():
                new.writestr(member.filename, old.read(member))
    assert torch.load(path, weights_only=True)["weight"].numel() == 1_000_000
    fails(path, "is compressed")


def test_a_file_without_check_sums_opens(tmp_path):
    torch_says = pytest.importorskip("torch.serialization")
    if not hasattr(torch_says, "set_crc32_options"):
        pytest.skip("this torch always computes them")
    torch_says.set_crc32_options(False)
    try:
        path = as_file(WEIGHTS, tmp_path / "x.pth")
    finally:
        torch_says.set_crc32_options(True)
    assert torch.equal(read_checkpoint(path)["weight"], WEIGHTS["weight"])


@pytest.mark.parametrize("content", [[torch.ones(1)], torch.ones(1), 3, "text"])
def test_not_a_mapping(tmp_path, content):
    path = as_file(content, tmp_path / "x.pth")
    fails(path, f"holds a {type(content).__name__}", "no checkpoint")


def test_a_whole_module(tmp_path):
    path = as_file(nn.Linear(2, 2), tmp_path / "x.pth")
    fails(path, "Linear", "--trust", "MMSTCONV_TRUST=1", "yours")
    fails(path, "a whole Linear object", "state_dict()", trust=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_program(tmp_path):
    path = tmp_path / "x.pt"
    program = torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2))
    torch.jit.save(program, path)
    fails(path, "TorchScript")


class Harmful:
    def __reduce__(self):
        return (open, ("harmed", "w"))


def test_code_in_a_file_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, zipped in (("zip.pth", True), ("legacy.pth", False)):
        content = dict(state_dict=WEIGHTS, extra=Harmful())
        as_file(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
        fails(tmp_path / name, "open", "could run any code")
    (tmp_path / "plain.pickle").write_bytes(pickle.dumps(Harmful()))
    fails(tmp_path / "plain.pickle")
    assert not (tmp_path / "harmed").exists()


def test_the_tar_format_of_2016_is_named(tmp_path):
    path = tmp_path / "x.pth"
    with tarfile.open(path, "w") as tar:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            data = pickle.dumps({}, protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    fails(path, "torch < 0.1.10", "--trust")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"state_dict": weights, "epoch": 3},
        lambda weights: {"model": weights, "iteration": 3},
        lambda weights: {"model": {"state_dict": weights}},
        lambda weights: {"state_dict": {"module." + k: v for k, v in weights.items()}},
    ],
)
def test_containers_and_ddp_prefix(wrap):
    assert weights_of(wrap(WEIGHTS)).keys() == WEIGHTS.keys()


def test_module_within_a_name_stays():
    weights = {"backbone.se_module.fc1": torch.ones(1)}
    assert weights_of(weights).keys() == weights.keys()


def test_tensors_only():
    content = {"state_dict": {"weight": torch.ones(1), "_extra_state": 3}}
    assert tensors_of("x.pth", content).keys() == {"weight"}
    with pytest.raises(ValueError, match=r"x\.pth: no tensor .*\(epoch, lr\)"):
        tensors_of("x.pth", {"epoch": 3, "lr": 0.1})
