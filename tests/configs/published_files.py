"""Stand-ins for the files that configs start from.

Published ones: random weights in the layout of the source, converted as the configs'
headers say. Our own runs: random weights of the config that the run is named after.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from checkpoints.sources import soundnet_source
from checkpoints.sources.efficientnet_lite import EfficientNetLite
from checkpoints.sources.i3d_piergiaj import PiergiajI3D
from checkpoints.sources.panns_source import Cnn14
from checkpoints.sources.s3d import KyleminS3D
from checkpoints.sources.torchvision_resnet import mc3_18, r2plus1d_18, r3d_18
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from mmstconv.checkpoints.doctor import convert_checkpoint

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SOURCES: dict[str, Callable[[], nn.Module | dict]] = {
    "i3d_rgb.pth": PiergiajI3D,
    "i3d_flow.pth": lambda: PiergiajI3D(in_channels=2),
    "s3d_rgb.pth": KyleminS3D,
    "r2plus1d_18.pth": r2plus1d_18,
    "r3d_18.pth": r3d_18,
    "mc3_18.pth": mc3_18,
    "c3d.pth": lambda: MODELS.build(dict(type="mmaction.C3D")),
    "cnn14.pth": Cnn14,
    "package::efficientnet_lite0": EfficientNetLite,
    "soundnet8_conv6.pth": soundnet_source.random_weights,
}
IMAGES = {"package::efficientnet_lite0"}


def published_file(name: str, folder: Path) -> Path:
    """The converted file of that name; made at the first call."""
    path = folder / name
    if not path.exists():
        torch.manual_seed(0)
        source = SOURCES[name]()
        original = folder / f"original_{name}"
        if isinstance(source, nn.Module):
            keep_scale(source)
            weights = source.state_dict()
            cnn14 = name == "cnn14.pth"
            torch.save(dict(model=weights) if cnn14 else weights, original)
        else:
            original = original.with_suffix(".npy")
            np.save(original, source)
        options = dict(num_stages=6) if "conv6" in name else {}
        convert_checkpoint(original, path, options=options, inflate=name in IMAGES)
        original.unlink()
    return path


def own_run(checkpoint: str, folder: Path) -> Path:
    """Checkpoint of a run in ``.../{name of a config}/``; made at the first call.

    Only the one that the run ends with is there.
    """
    name = Path(checkpoint).parent.name
    path = folder / checkpoint
    (config,) = CONFIGS.rglob(f"{name}.py")
    cfg = Config.fromfile(config)
    # where `mim train mmstconv NAME.py` writes: tests/test_end_to_end.py runs it
    assert checkpoint == f"work_dirs/{name}/epoch_{cfg.train_cfg.max_epochs}.pth"
    if not path.exists():
        torch.manual_seed(1)
        model = MODELS.build(cfg.model)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@torch.no_grad()
def keep_scale(net: nn.Module) -> None:
    """Kernels that neither fade nor blow up what goes through ReLUs.

    Without norms the first one brings pixels down to one, as trained ones would.
    """
    layers = [m for m in net.modules() if isinstance(m, nn.Conv3d | nn.Conv2d)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
    if not any(isinstance(m, nn.BatchNorm3d | nn.BatchNorm2d) for m in net.modules()):
        layers[0].weight.div_(64)
