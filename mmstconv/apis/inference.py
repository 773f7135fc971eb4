"""A trained recognizer and one video file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch
from mmaction.apis import inference_recognizer, init_recognizer
from mmaction.structures import ActionDataSample
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from ..checkpoints.reading import weights_of
from ..engine.checkpoint import fill
from ..loading import trusting


def load_recognizer(
    config: str,
    checkpoint: str,
    device: str | torch.device | None = None,
    *,
    trust: bool = False,
) -> nn.Module:
    """MMAction2's ``init_recognizer`` that refuses weights of another model.

    Args:
        config: Path of the config the checkpoint was trained with.
        checkpoint: Path or URL of the weights.
        device: Where to run; a GPU if there is one, else the CPU.
        trust: Open a checkpoint that holds Python objects. They can do anything: only
            for files of your own.

    Returns:
        The recognizer in evaluation mode; ``.cfg`` and ``.dataset_meta`` as
        MMAction2 has them.

    Raises:
        ValueError: The file is no checkpoint, broken or needs trust, or the weights
            are not those of the model, one by one; names them.
    """
    if device is None:
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    model = init_recognizer(config, device=device)
    with trusting(trust):
        loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location="cpu")
    remarks = fill(model, weights_of(loaded), complete=True)
    if remarks:
        raise ValueError(f"{checkpoint}: {remarks[0]}")
    model.dataset_meta = loaded.get("meta", {}).get("dataset_meta") or {}
    return model


def predict_video(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    pipeline: Sequence[Mapping] | None = None,
) -> ActionDataSample:
    """Recognise one video file.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file.
        pipeline: Instead of the config's ``test_pipeline``.

    Returns:
        The data sample: ``pred_score`` ``(num_classes,)``, ``pred_label`` ``(1,)``
        and, in ``metainfo['presence']``, which modalities the file has; in
        ``metainfo['damage']``, if there is any, what was found broken in it.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    # a dict goes to the pipeline as it is: our reader says what is wrong with a path
    damage: list[str] = []
    sample = dict(
        filename=os.fspath(path), label=-1, start_index=0, modality="RGB", damage=damage
    )
    steps = None
    if pipeline is not None:
        init_default_scope(model.cfg.get("default_scope", "mmaction"))
        steps = Compose([dict(step) for step in pipeline])
    result = inference_recognizer(model, sample, steps)
    if damage:
        result.set_metainfo(dict(damage=damage))
    return result
