"""Open a checkpoint of whatever origin, safely and with one clear error."""

from __future__ import annotations

import os
import re
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, load, nn

from .containers import weights_of
from .kinds import SAFETENSORS, kind_of
from .renames import with_names_of_today
from .stand_ins import settle, standing_in
from .trust import TRUST, are_trusted

_TRUST = (
    f"if the file is yours, allow it with {TRUST}=1 in the environment (any tool), "
    "--trust (ours) or trust=True (Python)"
)
_TORCHSCRIPT = "is a TorchScript program, not a checkpoint; save its state_dict()"


class CheckpointError(ValueError):
    """A checkpoint file that cannot be used; names the file and what is wrong."""


class TrustError(CheckpointError):
    """Opening the file could run code that it brings along."""


def read_checkpoint(
    path: str | os.PathLike, *, trust: bool = False, map_location="cpu"
) -> Mapping:
    """The mapping that a checkpoint file holds.

    Any file name and any format of ``torch.save`` will do. Files whose opening runs
    code that they bring along are refused unless trusted; what is known to be harmless
    (:mod:`~mmstconv.checkpoints.stand_ins`) becomes plain values. Of files in the
    format since torch 1.6, every byte is compared with its check sum, which torch does
    not do: it takes tensors as they are. Weights that were saved when the head fused
    the streams get their names of today (:mod:`~mmstconv.checkpoints.renames`).

    Args:
        path: The file.
        trust: Open a file with Python objects in it. They can do anything: only for
            files that are yours. The process may trust all files anyway, see
            :func:`~mmstconv.checkpoints.trust.are_trusted`.
        map_location: Where tensors go, as of ``torch.load``.

    Raises:
        FileNotFoundError: There is no such file.
        TrustError: It needs trust (a ``CheckpointError``, a ``ValueError``); says why.
        CheckpointError: It is no checkpoint, or broken; says which.
    """
    path = Path(path)
    trust = trust or are_trusted()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {what}")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path}: the file is empty; download or copy it again")
    kind = kind_of(path)
    if kind == SAFETENSORS:
        return with_names_of_today(_read_safetensors(path, map_location))
    if kind:
        raise CheckpointError(f"{path}: is {kind}")
    _check_container(path, trust)
    loaded = _unpickle(path, trust, map_location)
    if isinstance(loaded, nn.Module):
        raise CheckpointError(
            f"{path}: holds a whole {type(loaded).__name__} object, not weights; load "
            "it where its code is and save its state_dict()"
        )
    if not isinstance(loaded, Mapping):
        raise CheckpointError(
            f"{path}: holds a {type(loaded).__name__}, not a mapping of names to "
            "tensors; it is no checkpoint"
        )
    return with_names_of_today(loaded)


def _unpickle(path: Path, trust: bool, map_location):
    """What ``torch.load`` gives, with plain values for what is known to be harmless."""
    try:
        with warnings.catch_warnings():  # on files that end in an error anyway
            warnings.simplefilter("ignore", UserWarning)
            if trust:
                return load(path, map_location, weights_only=False)
            with standing_in():
                loaded = load(path, map_location, weights_only=True)
            return settle(loaded)
    except (PermissionError, FileNotFoundError):  # a training may remove it meanwhile
        raise
    except Exception as error:  # unpickling raises whatever the bytes lead to
        raise _explained(path, error) from error


def _read_safetensors(path: Path, map_location) -> Mapping:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise CheckpointError(
            f"{path}: is a safetensors file; pip install safetensors to read it"
        ) from None
    try:
        return load_file(path, device=str(map_location))
    except SafetensorError as error:
        raise CheckpointError(f"{path}: {broken(error)}") from error


def _check_container(path: Path, trust: bool) -> None:
    """Refuse what torch would open without a check, or before 2.6 unsafely."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if not zipped:
        # torch < 2.6 runs the code in these, weights_only or not (CVE-2025-32434)
        if not trust and tarfile.is_tarfile(path):
            raise TrustError(
                f"{path}: is in the format of torch < 0.1.10, which cannot be opened "
                f"safely; {_TRUST}"
            )
        return
    try:
        problem = _problem_of_zip(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile too raises whatever the bytes lead to
        raise CheckpointError(f"{path}: {broken(error)}") from error
    if problem:
        raise CheckpointError(f"{path}: {problem}")


def _problem_of_zip(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.filename.endswith("/constants.pkl") for member in members):
            return _TORCHSCRIPT
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            return (
                "is compressed, which torch.save never does, and may need far more "
                "memory than it says; no checkpoint"
            )
        for member in members:
            if member.CRC:  # 0 where torch was told to compute no check sums
                with archive.open(member) as content:
                    while content.read(1 << 20):
                        pass
    return None


def _explained(path: Path, error: Exception) -> CheckpointError:
    text = str(error)
    unsafe = re.search(r"GLOBAL (\S+) was not an allowed global", text)
    if unsafe is None:
        # objects with a module of their own: "Trying to load unsupported GLOBAL ..."
        # and torch < 2.4: "Unsupported class ..."
        unsafe = re.search(r"(?i)unsupported (?:global|class) (\S+)", text)
    if unsafe:
        return TrustError(
            f"{path}: holds Python objects beside its tensors ({unsafe[1]}), and "
            f"opening it could run any code; {_TRUST}"
        )
    if "TorchScript" in text:
        return CheckpointError(f"{path}: {_TORCHSCRIPT}")
    return CheckpointError(f"{path}: {broken(error)}")


def broken(error: Exception) -> str:
    """The words for a file that could not be read to its end."""
    first = (str(error).strip().splitlines() or [""])[0][:120]
    return (
        "no checkpoint, or a broken one; download or copy it again "
        f"({type(error).__name__}: {first})"
    )


def tensors_of(path: str | os.PathLike, checkpoint: Mapping) -> dict[str, Tensor]:
    """:func:`weights_of` without what is no tensor.

    Raises:
        CheckpointError: There is no tensor; names the file.
    """
    weights = {
        str(key): value
        for key, value in weights_of(checkpoint).items()
        if isinstance(value, Tensor)
    }
    if not weights:
        keys = ", ".join(str(key) for key in list(checkpoint)[:5])
        raise CheckpointError(f"{path}: no tensor among its entries ({keys or 'none'})")
    return weights
