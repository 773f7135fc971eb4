"""MMEngine opens and writes every checkpoint through these: no code in a file runs.

MMEngine 0.10 leaves it to torch's default whether unpickling a file may run code. That
is yes before torch 2.6, and for what it downloads in every version. Importing mmstconv
puts these in the place of its loaders, so that whatever is started with a config of
ours is safe, also ``mim train mmaction2`` and ``init_cfg=dict(type='Pretrained')``.
What is saved meanwhile, whichever hook saves it, is safe to open, so that the same
tools can read it again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from functools import wraps
from pathlib import Path
from urllib.parse import urlparse

from mmengine.dist import barrier, get_rank
from mmengine.fileio import get_local_path
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from torch import hub

from .trust import are_trusted

# The rest of this package is imported where it is used: this module is imported in the
# midst of MMEngine's runner, as soon as there is something to replace.


def load_safely() -> None:
    """Put the loaders below in the place of MMEngine's."""
    for prefixes, loader in (
        ("", load_from_local),
        (("http://", "https://"), load_from_http),
        ((r"(\S+\:)?s3://", r"(\S+\:)?petrel://"), load_from_ceph),
        ("pavi://", load_from_pavi),
    ):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)
    # torchvision://, open-mmlab:// and mmcls:// call it by this name
    mmengine_checkpoint.load_from_http = load_from_http


def save_safely() -> None:
    """Put :func:`save_checkpoint` in the place of MMEngine's, by each of its names.

    Modules that are imported later take it from the first.
    """
    mmengine_checkpoint.save_checkpoint = save_checkpoint
    for name in ("mmengine.runner.runner", "mmengine.runner"):
        if hasattr(sys.modules.get(name), "save_checkpoint"):
            sys.modules[name].save_checkpoint = save_checkpoint


_save_checkpoint = mmengine_checkpoint.save_checkpoint


@wraps(_save_checkpoint)
def save_checkpoint(checkpoint, filename, *args, **kwargs) -> None:
    from .plain import as_plain

    _save_checkpoint(as_plain(checkpoint), filename, *args, **kwargs)


def load_from_local(filename: str, map_location=None) -> Mapping:
    """A checkpoint from a file.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is no checkpoint, broken, needs trust, or an entry of it is
            not what it should be; says which (a ``ValueError``).
    """
    from .entries import check_entries
    from .plain import restore
    from .reading import read_checkpoint

    path = Path(filename).expanduser()
    checkpoint = read_checkpoint(path, map_location=map_location or "cpu")
    check_entries(path, checkpoint)
    restore(checkpoint, trust=are_trusted())
    for name in [key for key, value in checkpoint.items() if value is None]:
        del checkpoint[name]  # MMEngine asks whether it is there, not what it is
    meta = checkpoint.get("meta")
    if meta is not None and not isinstance(meta, MutableMapping):
        del checkpoint["meta"]  # another project's
    if isinstance(meta, MutableMapping):
        # Runner.resume would execute this text to read the number of GPUs from it.
        meta.pop("config", None)
    return checkpoint


def load_from_http(
    filename: str, map_location=None, model_dir=None, progress: bool | None = None
) -> Mapping:
    """A checkpoint that the first process downloads, once, into torch's cache."""
    folder = Path(model_dir or Path(hub.get_dir(), "checkpoints"))
    path = folder / Path(urlparse(filename).path).name
    if get_rank() == 0 and not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        progress = os.isatty(0) if progress is None else progress
        hub.download_url_to_file(filename, str(path), progress=progress)
    barrier()
    return load_from_local(path, map_location)


def load_from_ceph(filename: str, map_location=None, backend="petrel") -> Mapping:
    """A checkpoint from an object store."""
    with get_local_path(filename, backend_args=dict(backend=backend)) as path:
        return load_from_local(path, map_location)


def load_from_pavi(filename: str, map_location=None) -> Mapping:
    """Refused: MMEngine's own way would run code in the file.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{filename}: download the file and name it by its path")
