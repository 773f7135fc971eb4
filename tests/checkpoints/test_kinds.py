"""Files that are no checkpoint: each is called by its name."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import sys
import tarfile
import zipfile

import av
import numpy as np
import pytest
import torch

from mmstconv.checkpoints.reading import CheckpointError, read_checkpoint


def saved(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def zipped(*names) -> bytes:
    def write(file):
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, b"x" * 40)

    return saved(write)


def tarred(*names) -> bytes:
    def write(file):
        with tarfile.open(fileobj=file, mode="w") as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name))

    return saved(write)


def video(container: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    """As the format's description says: a length, JSON, bytes."""
    header, data = {}, b""
    for name, array in tensors.items():
        first, data = len(data), data + array.tobytes()
        header[name] = dict(
            dtype="F32", shape=array.shape, data_offsets=[first, len(data)]
        )
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


checkpoint = saved(lambda file: torch.save(dict(a=torch.ones(2)), file))
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x10\n\x0e\n\x01x\x12\x01y\x22\x04Relu"
KINDS = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n": "Git LFS",
    b"<!DOCTYPE html><html><body>Quota exceeded</body></html>": "web page (HTML)",
    b"\n\n  <html lang='en'>404</html>": "web page (HTML)",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>": "XML",
    b"Not found": "text file, no checkpoint; it begins with 'Not found'",
    json.dumps(dict(error="Not found")).encode(): "text file",
    "é".encode() * 3000: "text file",
    saved(lambda file: np.save(file, np.ones(3))): "numpy array (.npy)",
    saved(lambda file: np.savez(file, a=np.ones(3))): "numpy arrays (.npz)",
    b"\x89HDF\r\n\x1a\n" + bytes(100): "HDF5",
    bytes(4) + b"TFL3" + bytes(100): "TensorFlow Lite",
    ONNX: "ONNX",
    bytes(100) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb": "TensorFlow checkpoint",
    b'model_checkpoint_path: "model.ckpt-10"\n': "TensorFlow's checkpoints",
    video("mp4", "mpeg4"): "MP4",
    video("avi", "mpeg4"): "AVI",
    video("matroska", "mpeg4"): "Matroska",
    gzip.compress(checkpoint): "gzip; unpack it",
    bz2.compress(checkpoint): "bzip2; unpack it",
    lzma.compress(checkpoint): "xz; unpack it",
    zipped("a.pth", "b.txt"): "zip archive of a.pth, b.txt; unpack it",
    zipped(*"abcde"): "zip archive of a, b, c, ... (5 in all)",
    zipped("config.json", "model.weights.h5"): "Keras",
    tarred("model.pth", "readme.txt"): "tar archive of model.pth, readme.txt; unpack",
    pickle.dumps(dict(blobs=np.ones(3))): "pickle that torch.save did not write",
    pickle.dumps(dict(blobs=[1.0, 2.0]), protocol=2): "pickle that torch.save did not",
    b"\x89PNG\r\n\x1a\n" + bytes(100): "image (PNG)",
    b"\x7fELF" + bytes(100): "program",
    b"%PDF-1.7\n": "PDF",
}


def test_each_is_called_by_its_name(tmp_path):
    path = tmp_path / "x.pth"
    for content, said in KINDS.items():
        path.write_bytes(content)
        for trust in (False, True):
            with pytest.raises(CheckpointError) as caught:
                read_checkpoint(path, trust=trust)
            message = str(caught.value)
            assert message.startswith(f"{path}: is "), message
            assert said in message and "\n" not in message, message


def test_a_checkpoint_is_none_of_these(tmp_path):
    """Of all the ways in which torch has written them."""
    for zipped in (True, False):
        for weights in ({}, dict(a=torch.ones(2)), dict(a=torch.ones(300, 300))):
            path = tmp_path / "x.pth"
            torch.save(weights, path, _use_new_zipfile_serialization=zipped)
            assert read_checkpoint(path).keys() == weights.keys()


WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_safetensors_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(WEIGHTS))
    with pytest.raises(CheckpointError, match=r"pip install safetensors"):
        read_checkpoint(path)


def test_safetensors_with_the_package(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(WEIGHTS))
    loaded = read_checkpoint(path)
    assert np.array_equal(loaded["a.weight"].numpy(), WEIGHTS["a.weight"])
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: .*broken"):
        read_checkpoint(path)
