"""Recognise files that are no checkpoints of PyTorch by their first bytes."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

SAFETENSORS = "a safetensors file"
_DOCTOR = (
    "not PyTorch's; tools/convert_checkpoint.py says what it holds, and converts what "
    "it knows"
)
NPY = f"a numpy array (.npy), {_DOCTOR}"
NPZ = f"an archive of numpy arrays (.npz), {_DOCTOR}"
HDF5 = f"an HDF5 file (Keras), {_DOCTOR}"
KERAS = f"a Keras model, {_DOCTOR}"
ONNX = f"an ONNX model, {_DOCTOR}"
TFLITE = f"a TensorFlow Lite model, {_DOCTOR}"

_PICKLE = b"\x80"
_TORCH_PICKLE = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # torch's magic number
_TABLE = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # ends TensorFlow's index files
_POINTER = b"version https://git-lfs.github.com/spec/"
_UNPACK = "unpack it and name the checkpoint inside"
_AGAIN = "download the file itself"
_EXPORT = "save the network's state_dict() with torch.save"
# where, bytes, what it is
_STARTS = (
    (0, b"\x93NUMPY", NPY),
    (0, b"\x89HDF\r\n\x1a\n", HDF5),
    (0, b"MATLAB 5.0", f"a MATLAB file, not PyTorch's; {_EXPORT}"),
    (4, b"TFL3", TFLITE),
    (0, b"GGUF", f"a GGUF model, not PyTorch's; {_EXPORT}"),
    (0, b"\x1f\x8b", f"compressed with gzip; {_UNPACK}"),
    (0, b"BZh", f"compressed with bzip2; {_UNPACK}"),
    (0, b"\xfd7zXZ\x00", f"compressed with xz; {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"compressed with zstd; {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK}"),
    (0, b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (4, b"ftyp", "a video or sound file (MP4), no checkpoint"),
    (0, b"\x1aE\xdf\xa3", "a video or sound file (Matroska), no checkpoint"),
    (8, b"AVI LIST", "a video file (AVI), no checkpoint"),
    (8, b"WAVE", "a sound file (WAV), no checkpoint"),
    (0, b"OggS", "a video or sound file (Ogg), no checkpoint"),
    (0, b"FLV\x01", "a video file (FLV), no checkpoint"),
    (0, b"fLaC", "a sound file (FLAC), no checkpoint"),
    (0, b"ID3", "a sound file (MP3), no checkpoint"),
    (0, b"\x00\x00\x01\xba", "a video file (MPEG), no checkpoint"),
    (0, b"\x89PNG\r\n\x1a\n", "an image (PNG), no checkpoint"),
    (0, b"\xff\xd8\xff", "an image (JPEG), no checkpoint"),
    (0, b"GIF8", "an image (GIF), no checkpoint"),
    (0, b"%PDF-", "a PDF document, no checkpoint"),
    (0, b"\x7fELF", "a program, no checkpoint"),
)


def kind_of(path: Path) -> str | None:
    """Say what a file is that ``torch.save`` did not write, and what to do with it.

    Never runs what is in the file.

    Returns:
        The words that follow "is" in an error; constants of this module for what can
        be read nevertheless. None for what may be a checkpoint of PyTorch, whole or
        broken.
    """
    with path.open("rb") as file:
        start = file.read(4096)
        size = file.seek(0, 2)
        file.seek(max(size - len(_TABLE), 0))
        end = file.read()
    if start.startswith(_POINTER):
        return f"a pointer of Git LFS to the file; {_AGAIN} (git lfs pull)"
    if start.startswith(b"PK\x03\x04"):
        return _kind_of_zip(path)
    if start.startswith(_PICKLE):
        if _TORCH_PICKLE in start[:32] or size < 16:
            return None
        return (
            "a Python pickle that torch.save did not write, and opening it could run "
            "any code; if it is yours, torch.save a dict of its arrays as tensors"
        )
    for place, magic, what in _STARTS:
        if start[place:].startswith(magic):
            return what
    if end == _TABLE:
        return f"the index of a TensorFlow checkpoint, not PyTorch's; {_EXPORT}"
    if _is_onnx(start):
        return ONNX
    if _is_safetensors(start, size):
        return SAFETENSORS
    return _kind_of_tar(path) or _kind_of_text(start)


def _kind_of_zip(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # broken, which the reader says better
        return None
    if not names or any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return None
    if all(name.endswith(".npy") for name in names):
        return NPZ
    if "model.weights.h5" in names:
        return KERAS
    return f"a zip archive of {_some(names)}; {_UNPACK}"


def _kind_of_tar(path: Path) -> str | None:
    """Torch's own format before 0.1.10 is a tar of these."""
    if not tarfile.is_tarfile(path):
        return None
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
    except Exception:  # broken
        return None
    if {"pickle", "storages"} <= set(names):
        return None
    return f"a tar archive of {_some(names)}; {_UNPACK}"


def _kind_of_text(start: bytes) -> str | None:
    text = start.lstrip(b"\xef\xbb\xbf \r\n\t")
    lower = text[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return f"a web page (HTML), as a server sends in place of a file; {_AGAIN}"
    if lower.startswith((b"<?xml", b"<error")):
        return f"an XML document, as a server sends in place of a file; {_AGAIN}"
    if b"model_checkpoint_path:" in lower:
        return f"the list of TensorFlow's checkpoints, not PyTorch's; {_EXPORT}"
    try:
        said = text.decode()
    except UnicodeDecodeError as error:
        if error.start < len(text) - 4:  # not only cut within a letter
            return None
        said = text[: error.start].decode()
    if not said or not all(c.isprintable() or c in "\r\n\t\f" for c in said):
        return None
    first = said.splitlines()[0][:40]
    return f"a text file, no checkpoint; it begins with {first!r}"


def _is_onnx(start: bytes) -> bool:
    """A message of protobuf: its version, then who made it."""
    return start[:1] == b"\x08" and start[2:3] in (b"\x12", b"\x1a", b"\x3a")


def _is_safetensors(start: bytes, size: int) -> bool:
    """The length of a JSON text, then that text."""
    length = int.from_bytes(start[:8], "little")
    text = start[8 : 8 + length]
    if not text.startswith(b"{") or not 2 <= length <= size - 8:
        return False
    if len(text) < length:
        return b'"dtype"' in text or b'"__metadata__"' in text
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _some(names: list[str]) -> str:
    rest = f", ... ({len(names)} in all)" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
