"""The models that give features: of a config, of MMAction2, of published weights."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch
from mmaction.apis import init_recognizer
from mmengine.runner import CheckpointLoader
from torch import nn

from ...checkpoints.containers import weights_of
from ...checkpoints.trust import trusting
from ...engine.configs import read_config
from ..inference import USED, load_recognizer
from ..tasks import require_streams
from .published import published_model
from .stock import is_stock, stock_model

SAYS_WEIGHTS = ("checkpoint", "pretrained")


def load_feature_model(
    config: str | os.PathLike | None = None,
    checkpoint: str | os.PathLike | None = None,
    *,
    weights: Sequence[str | os.PathLike] = (),
    fused: bool = False,
    fps: float | None = None,
    device: str | torch.device | None = None,
    trust: bool = False,
) -> nn.Module:
    """A model for :func:`extract_features`.

    One of

    - ``config`` and ``checkpoint`` of ours: of the checkpoint the streams count, and
      with ``fused`` all of it;
    - ``config`` of ours alone, if it names weights for each stream (``init_cfg``);
    - ``config`` and ``checkpoint`` of MMAction2 (``Recognizer2D``, ``Recognizer3D``):
      the backbone is the RGB stream;
    - ``weights``: published files that say themselves what network they are of and what
      it reads, one for each modality (``convert-checkpoint`` names those it knows).

    Args:
        config: Path of a config.
        checkpoint: Path or URL of its weights.
        weights: Files instead of both.
        fused: Whether joint and head are wanted, too.
        fps: Frames per second that networks see, where no config of ours says it.
        device: Where to run; a GPU if there is one, else the CPU.
        trust: Open files that hold Python objects: only for files of your own.

    Returns:
        A ``TriModalRecognizer`` in evaluation mode, with ``cfg.test_pipeline``.

    Raises:
        ConfigError: The config cannot be read, or has keys that look mistyped.
        ValueError: The files do not fit each other, or weights are missing.
    """
    if (config is None) == (not weights):
        raise ValueError("give a config (and its checkpoint), or published weights")
    if device is None:
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    if weights:
        _refuse(fused, "fused", "published weights have learned no fusion")
        return published_model(weights, fps, trust=trust).to(device)
    cfg = read_config(str(config), parts=USED)
    if is_stock(cfg):
        _refuse(fused, "fused", "a recognizer of MMAction2 fuses nothing")
        if checkpoint is None:
            raise ValueError(f"{config}: give the checkpoint that was trained with it")
        with trusting(trust):
            loaded = CheckpointLoader.load_checkpoint(str(checkpoint), "cpu")
        return stock_model(cfg, weights_of(loaded), str(checkpoint), fps).to(device)
    _refuse(fps is not None, "fps", f"SampleClips of {config} says it")
    if checkpoint is not None:
        only = dict(streams_only=not fused)
        return load_recognizer(
            str(config), str(checkpoint), device, trust=trust, **only
        )
    _refuse(fused, "fused", "without a checkpoint nothing has learned to fuse")
    return _from_config(cfg, str(config), device)


def _from_config(cfg: Mapping, where: str, device: str | torch.device) -> nn.Module:
    """A model whose streams all start from weights that the config names."""
    model = init_recognizer(cfg, device="cpu")
    require_streams(model)
    bare = [n for n in model.streams if not _says_weights(cfg["model"]["streams"][n])]
    if bare:
        raise ValueError(
            f"{where} names no weights for the streams {', '.join(bare)}: give a "
            "checkpoint"
        )
    model.init_weights()
    return model.to(device).eval()


def _says_weights(cfg: object) -> bool:
    if isinstance(cfg, Mapping):
        named = any(cfg.get(name) for name in SAYS_WEIGHTS)
        return named or any(map(_says_weights, cfg.values()))
    return isinstance(cfg, (list, tuple)) and any(map(_says_weights, cfg))


def _refuse(given: bool, name: str, why: str) -> None:
    if given:
        raise ValueError(f"{name} cannot be asked for: {why}")
