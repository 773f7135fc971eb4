"""What the checkpoint doctor wrote into a file beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from .packages import is_packaged, read_packaged


def read_provenance(path: str | Path) -> dict:
    """The backbone's config and the preprocessing that the weights were trained on.

    Empty for every file of others: only what opens safely can be the doctor's. What
    a package carries (``package::``) says the same of itself.

    Raises:
        CheckpointError: The package is not installed.
    """
    if is_packaged(path):
        return read_packaged(str(path))["meta"]["mmstconv"]
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        return {}
    except OSError:
        raise
    except Exception:  # unpickling raises whatever the bytes lead to
        return {}
    for key in ("meta", "mmstconv"):
        content = content.get(key) if isinstance(content, Mapping) else None
    return dict(content or {})
