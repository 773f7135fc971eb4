"""Files built to run code when they are opened."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import torch
from engine.toy_run import for_testing, toy_config
from torch import nn


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def whole(**more) -> dict:
    """What a run of the toy can go on from, and more."""
    hub = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    weights = dict(weight=torch.zeros(10), mask=torch.tensor([0.0, -torch.inf]))
    meta = dict(epoch=1, iter=4)
    parameter = nn.Parameter(weights["weight"])
    optimizer = torch.optim.SGD([parameter], lr=1e-4, momentum=0.9).state_dict()
    entries = dict(meta=meta, message_hub=hub, optimizer=optimizer)
    return dict(state_dict=weights, **entries, **more)


def in_zip(path: Path, mark: Path) -> None:
    torch.save(whole(extra=Harmful(mark)), path)


def in_legacy(path: Path, mark: Path) -> None:
    content = whole(extra=Harmful(mark))
    torch.save(content, path, _use_new_zipfile_serialization=False)


def in_tar(path: Path, mark: Path) -> None:
    """The format of 2016, which torch < 2.6 opens unsafely, whatever it is told."""
    with tarfile.open(path, "w") as tar:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            data = pickle.dumps(Harmful(mark), protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def in_pickle(path: Path, mark: Path) -> None:
    path.write_bytes(pickle.dumps(Harmful(mark), protocol=2))


FORMATS = dict(zip=in_zip, legacy=in_legacy, tar=in_tar, pickle=in_pickle)


def toy_file(folder: Path) -> str:
    """The toy's config as a file."""
    cfg = for_testing(toy_config(folder / "run"))
    cfg.custom_imports = dict(imports=["mmstconv"])
    cfg.dump(folder / "toy.py")
    return str(folder / "toy.py")
