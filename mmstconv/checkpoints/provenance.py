"""What the checkpoint doctor wrote into a file beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch


def read_provenance(path: str | Path) -> dict:
    """The backbone's config and the preprocessing that the weights were trained on.

    Empty for every file of others: only what opens safely can be the doctor's.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except OSError:
        raise
    except Exception:  # unpickling raises whatever the bytes lead to
        return {}
    for key in ("meta", "mmstconv"):
        content = content.get(key) if isinstance(content, Mapping) else None
    return dict(content or {})
