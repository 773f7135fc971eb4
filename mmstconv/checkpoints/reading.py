"""Open a checkpoint of whatever origin, safely and with one clear error."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

# What projects call the entry of a file that holds the weights.
_CONTAINERS = ("state_dict", "model")
_DDP = "module."


def read_checkpoint(path: str | os.PathLike, *, trust: bool = False) -> Mapping:
    """The mapping that a checkpoint file holds, on the CPU.

    Any file name and any format of ``torch.save`` will do. Files whose opening runs
    code that they bring along are refused unless trusted.

    Args:
        path: The file.
        trust: Open a file with Python objects in it. They can do anything: only for
            files that are yours.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no checkpoint, broken, or needs trust; says which.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {what}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty; download or copy it again")
    try:
        with warnings.catch_warnings():  # on files that end in an error anyway
            warnings.simplefilter("ignore", UserWarning)
            loaded = torch.load(path, map_location="cpu", weights_only=not trust)
    except PermissionError:
        raise
    except Exception as error:  # unpickling raises whatever the bytes lead to
        raise ValueError(f"{path}: {_reason(error)}") from error
    if isinstance(loaded, nn.Module):
        raise ValueError(
            f"{path}: holds a whole {type(loaded).__name__} object, not weights; load "
            "it where its code is and save its state_dict()"
        )
    if not isinstance(loaded, Mapping):
        raise ValueError(
            f"{path}: holds a {type(loaded).__name__}, not a mapping of names to "
            "tensors; it is no checkpoint"
        )
    return loaded


def _reason(error: Exception) -> str:
    text = str(error)
    unsafe = re.search(r"GLOBAL (\S+) was not an allowed global", text)
    if unsafe is None:
        # objects with a module of their own: "Trying to load unsupported GLOBAL ..."
        unsafe = re.search(r"unsupported GLOBAL (\S+)", text)
    if unsafe:
        return (
            f"holds Python objects beside its tensors ({unsafe[1]}), and opening it "
            "could run any code; if the file is yours, allow it with --trust "
            "(trust=True)"
        )
    if "legacy .tar format" in text:
        return (
            "is in the format of torch < 0.1.10, which cannot be opened safely; if "
            "the file is yours, allow it with --trust (trust=True)"
        )
    if "TorchScript" in text:
        return "is a TorchScript program, not a checkpoint; save its state_dict()"
    first = (text.strip().splitlines() or [""])[0][:120]
    return (
        "no checkpoint, or a broken one; download or copy it again "
        f"({type(error).__name__}: {first})"
    )


def weights_of(checkpoint: Mapping) -> dict[str, Tensor]:
    """The parameters in a checkpoint, without what is around them.

    That is a container such as ``{'state_dict': ...}``, and the prefix that a DDP
    wrapper left.
    """
    weights = checkpoint
    for _ in _CONTAINERS:  # one may hold the other
        for name in _CONTAINERS:
            if isinstance(weights.get(name), Mapping):
                weights = weights[name]
                break
    return {
        key[len(_DDP) :] if str(key).startswith(_DDP) else key: value
        for key, value in weights.items()
    }


def tensors_of(path: str | os.PathLike, checkpoint: Mapping) -> dict[str, Tensor]:
    """:func:`weights_of` without what is no tensor.

    Raises:
        ValueError: There is no tensor; names the file.
    """
    weights = {
        str(key): value
        for key, value in weights_of(checkpoint).items()
        if isinstance(value, Tensor)
    }
    if not weights:
        keys = ", ".join(str(key) for key in list(checkpoint)[:5])
        raise ValueError(f"{path}: no tensor among its entries ({keys or 'none'})")
    return weights
