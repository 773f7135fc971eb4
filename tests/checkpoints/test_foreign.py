"""What the doctor says of files of NumPy, Keras, ONNX and TensorFlow Lite."""

from __future__ import annotations

import os
import pickle
import struct
import sys
import zipfile

import numpy as np
import pytest
from checkpoints import foreign_files as write
from checkpoints.sources import soundnet_source

from mmstconv.checkpoints.doctor import convert_checkpoint
from mmstconv.checkpoints.foreign import read_foreign
from mmstconv.checkpoints.reading import CheckpointError, read_checkpoint

# writer; what the file is; a line of its report; the package that reads it
CASES = {
    "npy": (write.npy, "pickled object", "conv.weights (2, 3, 4) float32", None),
    "npz": (write.npz, "archive of numpy", "kernel (2, 3, 4) float32", None),
    "h5": (
        write.h5,
        "Keras 2.9.0",
        "model_weights/conv/kernel:0 (2, 3, 4) float32",
        "h5py",
    ),
    "onnx": (
        write.onnx,
        "ONNX model of pytorch 2.1",
        "eight (2, 4) int8, quantised, for DequantizeLinear",
        "onnx",
    ),
    "tflite": (
        write.tflite,
        "TensorFlow Lite",
        "eight (2, 4) int8, quantised, 2 scales",
        "tflite",
    ),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    make, what, line, package = CASES[request.param]
    if package:
        pytest.importorskip(package)
    path = tmp_path / f"weights.{request.param}"
    make(path)
    return path, what, line


def test_says_what_it_is(case):
    path, what, line = case
    conversion = convert_checkpoint(path)
    report = conversion.table()
    assert what in report.splitlines()[0]
    assert f"  {line}\n" in report
    with pytest.raises(ValueError, match="nothing was written"):
        conversion.save(path.with_suffix(".pth"))


def test_numbers_are_those_of_the_file(case):
    path, _, _ = case
    tensors = read_foreign(path).tensors
    (kernel,) = (v for k, v in tensors.items() if "kernel" in k or "weights" in k[-7:])
    assert np.array_equal(kernel.numpy(), write.KERNEL)


def test_a_training_does_not_start_from_it(case):
    """MMEngine would only warn that no name fits."""
    path, _, _ = case
    with pytest.raises(CheckpointError, match=r"weights\.\w+: is .*convert_checkpoint"):
        read_checkpoint(path)


def test_damaged_files_give_one_error_or_a_report(case):
    """Cut, or with a byte changed, in sixty places."""
    path, _, _ = case
    whole = path.read_bytes()
    places = range(9, len(whole), max(len(whole) // 60, 1))
    culprits = []
    for place in places:
        changed = bytes([whole[place] ^ 0xFF])
        for kind, content in (
            ("cut", whole[:place]),
            ("changed", whole[:place] + changed + whole[place + 1 :]),
        ):
            path.write_bytes(content)
            try:
                convert_checkpoint(path)
            except CheckpointError as error:
                if str(path) not in str(error):
                    culprits.append(f"{kind} at {place}: {error}")
            except Exception as error:
                culprits.append(f"{kind} at {place}: {error!r}")
    assert not culprits, "\n".join(culprits[:10])


def test_a_missing_package_is_named(case, monkeypatch):
    path, _, _ = case
    package = CASES[path.suffix[1:]][3]
    if package is None:
        pytest.skip("numpy is always there")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*pip install {package}"):
        convert_checkpoint(path)


def test_what_python_2_pickled(tmp_path):
    path = tmp_path / "old.npy"
    path.write_bytes(write.npy_of(write.python2_pickle()))
    by_numpy = np.load(path, allow_pickle=True, encoding="latin1").item()
    assert np.array_equal(by_numpy["conv"]["biases"], write.BIAS)  # the file is right
    tensors = read_foreign(path).tensors
    assert list(tensors) == ["conv.biases"]
    assert np.array_equal(tensors["conv.biases"].numpy(), write.BIAS)


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harm_was_done",)


def test_no_pickle_runs(tmp_path, monkeypatch):
    """Whatever protocol, wherever it stands; MMSTCONV_TRUST changes nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMSTCONV_TRUST", "1")
    path = tmp_path / "harm.npy"
    culprits = []
    for protocol in range(6):
        for value in (Harm(), {"conv": Harm()}, [np.zeros(2), Harm()]):
            path.write_bytes(write.npy_of(pickle.dumps(value, protocol)))
            with pytest.raises(CheckpointError, match=r"could run any code|broken"):
                convert_checkpoint(path)
            if (tmp_path / "harm_was_done").exists():
                culprits.append((protocol, value))
    assert not culprits


def test_state_is_given_to_arrays_only(tmp_path):
    """``BUILD`` on a name would change a function of ours for the whole process."""
    from mmstconv.checkpoints.stand_ins import STAND_INS

    path = tmp_path / "state.npy"
    state = pickle.dumps({"polluted": 1}, 2)[2:-1]
    for name in STAND_INS:
        module, _, attribute = name.rpartition(".")
        named = f"c{module}\n{attribute}\n".encode()
        path.write_bytes(write.npy_of(b"\x80\x02" + named + state + b"b."))
        with pytest.raises(CheckpointError):
            convert_checkpoint(path)
    assert not any(hasattr(one, "polluted") for one in STAND_INS.values())


def lying_npy(path, shape):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)
    )


def bomb_npz(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(80 << 20))


def bomb_h5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 10,))


def links_of_h5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["a"] = h5py.ExternalLink("/etc/passwd", "/")
        external = [("/etc/passwd", 0, 8)]
        file.create_dataset("b", (2,), "f4", external=external)


def test_a_header_that_lies_asks_for_no_memory(tmp_path):
    cases = {
        "shape.npy": lambda path: lying_npy(path, (1 << 40,)),
        "negative.npy": lambda path: lying_npy(path, (-4, -4)),
        "shared.npy": lambda path: path.write_bytes(
            write.npy_of(write.many_of_one(90))
        ),
        "bomb.npz": bomb_npz,
    }
    for name, make in cases.items():
        path = tmp_path / name
        make(path)
        with pytest.raises(CheckpointError, match=name):
            convert_checkpoint(path)
    path.unlink()


def test_hdf5_opens_nothing_else_and_asks_for_no_memory(tmp_path):
    pytest.importorskip("h5py")
    path = tmp_path / "trap.h5"
    bomb_h5(path)
    with pytest.raises(CheckpointError, match=r"trap\.h5: says that it holds"):
        convert_checkpoint(path)
    links_of_h5(path)
    with pytest.raises(CheckpointError, match=r"trap\.h5: its numbers are in other"):
        convert_checkpoint(path)


def test_numbers_of_onnx_in_other_files_are_not_opened(tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "model.onnx"
    write.onnx_with_numbers_elsewhere(path)
    foreign = read_foreign(path)
    assert foreign.elsewhere == ["kernel"]
    assert "secret.bin" in convert_checkpoint(path).table()


def test_a_known_layout_in_another_container_is_converted(tmp_path):
    """What weights of known names and order are saved with does not matter."""
    source = soundnet_source.random_weights()
    flat = {f"{k}.{name}": v for k, one in source.items() for name, v in one.items()}
    np.savez(tmp_path / "flat.npz", **flat)
    conversion = convert_checkpoint(tmp_path / "flat.npz")
    assert conversion.layout.name == "soundnet-tensorflow"
    kernel = conversion.weights["backbone.stages.6.blocks.0.conv.weight"].numpy()
    assert np.array_equal(kernel.T, source["conv7"]["weights"][:, 0])
