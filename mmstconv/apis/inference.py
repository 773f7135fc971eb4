"""A trained recognizer and one video file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch
from mmaction.apis import inference_recognizer, init_recognizer
from mmaction.structures import ActionDataSample
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ..checkpoints.containers import weights_of
from ..checkpoints.filling import fill
from ..checkpoints.reading import CheckpointError
from ..checkpoints.trust import trusting
from ..datasets.class_names import ClassNamesError, find_class_names
from ..disk import is_remote
from ..engine.configs import read_config
from ..models.heads import multi_class_of, probabilities
from ..models.joint import Fused, Steps
from .sources import Source, content_of
from .tasks import (
    class_head,
    event_head,
    head_name,
    names_of_classes,
    require_streams,
)

STREAMS = "streams."
USED = ("model", "test_pipeline")  # of a config


def load_recognizer(
    config: str,
    checkpoint: str,
    device: str | torch.device | None = None,
    *,
    trust: bool = False,
    streams_only: bool = False,
) -> nn.Module:
    """MMAction2's ``init_recognizer`` that refuses weights of another model.

    Args:
        config: Path of the config the checkpoint was trained with.
        checkpoint: Path or URL of the weights.
        device: Where to run; a GPU if there is one, else the CPU.
        trust: Open a checkpoint that holds Python objects. They can do anything: only
            for files of your own.
        streams_only: Take the weights of the streams and nothing else: joint and head
            may be another model's.

    Returns:
        The recognizer in evaluation mode; ``.cfg`` and ``.dataset_meta`` as
        MMAction2 has them. Class names, in ``dataset_meta['classes']``, are those of
        the training, kept in the checkpoint; where it has none, those of the config.

    Raises:
        ConfigError: The config cannot be read, or has keys that look mistyped.
        ValueError: The file is no checkpoint, broken or needs trust, or the weights
            are not those of the model, one by one; names them.
    """
    if device is None:
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
    model = init_recognizer(read_config(config, parts=USED), device=device)
    with trusting(trust):
        loaded = CheckpointLoader.load_checkpoint(
            checkpoint, map_location="cpu", logger="silent"
        )
    weights, apart = weights_of(loaded), ()
    if streams_only:
        require_streams(model)
        weights = {k: v for k, v in weights.items() if k.startswith(STREAMS)}
        apart = tuple(f"{name}." for name, _ in model.named_children())
        apart = tuple(name for name in apart if name != STREAMS)
    try:
        remarks = fill(model, weights, complete=True, but=apart)
    except ValueError as error:
        raise CheckpointError(f"{checkpoint}: {error}") from error
    if remarks:
        raise CheckpointError(f"{checkpoint}: {remarks[0]}")
    model.dataset_meta = loaded.get("meta", {}).get("dataset_meta") or {}
    if not model.dataset_meta.get("classes"):
        model.dataset_meta = dict(model.dataset_meta, classes=_names_in(model.cfg))
    return model


def _names_in(cfg: Mapping) -> list[str] | None:
    """Class names of the config's test data, if they can be had."""
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    named = (dataset.get("metainfo") or {}).get("classes")
    try:
        return find_class_names(named, dataset.get("ann_file") or "", None)
    except ClassNamesError:
        return None


def class_names(model: nn.Module) -> list[str]:
    """The name of each class; its number where there are none.

    Of a model with several heads these are the classes of clips, else of events.

    Args:
        model: Of :func:`load_recognizer`.

    Raises:
        ValueError: The model's head is for another task.
    """
    head = class_head(model) or event_head(model)
    if head is None:
        raise ValueError(
            f"model.cls_head is a {head_name(model)}, which has no "
            "num_classes: take score_video() of mmstconv.apis for its predictions"
        )
    return names_of_classes(model, head)


def class_probabilities(model: nn.Module, scores: Tensor) -> Tensor:
    """The probability of each class, whatever the config's ``average_clips``.

    Args:
        model: Of :func:`load_recognizer`.
        scores: ``pred_score`` of :func:`predict_video`, or scores of a window.

    Returns:
        ``(num_classes,)``, each in [0, 1]. They sum to 1, unless a file may have
        several classes (:func:`has_several_classes`).
    """
    return probabilities(class_head(model) or model.cls_head, scores)


def has_several_classes(model: nn.Module) -> bool:
    """Whether the model says yes or no to each class, instead of choosing one."""
    return bool(multi_class_of(class_head(model) or model.cls_head))


def predict_video(
    model: nn.Module,
    path: Source,
    *,
    pipeline: Sequence[Mapping] | None = None,
) -> ActionDataSample:
    """Recognise one video file; of many, take ``predict_videos``.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file, its content (``bytes``), a binary stream, or a URL.
        pipeline: Instead of the config's ``test_pipeline``.

    Returns:
        The data sample: ``pred_score`` ``(num_classes,)``, ``pred_label`` ``(1,)``
        and, in ``metainfo['presence']``, which modalities the file has; in
        ``metainfo['damage']``, if there is any, what was found broken in it.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    sample, steps = as_sample(model, content_of(path), pipeline)
    result = inference_recognizer(model, sample, steps)
    if sample["damage"]:
        result.set_metainfo(dict(damage=sample["damage"]))
    return result


@torch.inference_mode()
def extract_steps(
    model: nn.Module,
    path: str | os.PathLike,
    pipeline: Sequence[Mapping] | None = None,
) -> Steps:
    """Fused features over time of one video file, on the CPU.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file.
        pipeline: Instead of the config's ``test_pipeline``.

    Returns:
        :class:`Steps`: ``(M, T, D)`` of the M clips that the pipeline takes.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    found = fuse_clips(model, path, pipeline)[0].as_steps()
    aligned = found.aligned
    return found._replace(
        fused=found.fused.cpu(),
        aligned=aligned and {name: x.cpu() for name, x in aligned.items()},
    )


@torch.inference_mode()
def fuse_clips(
    model: nn.Module,
    path: str | os.PathLike,
    pipeline: Sequence[Mapping] | None = None,
) -> tuple[Fused, list[ActionDataSample]]:
    """What heads read of the clips that the pipeline takes of a file, and its sample.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    sample, steps = as_sample(model, path, pipeline or model.cfg.test_pipeline)
    data = model.data_preprocessor(pseudo_collate([steps(sample)]), False)
    return model.fuse(data["inputs"], data["data_samples"]), data["data_samples"]


def as_sample(
    model: nn.Module,
    path: str | os.PathLike | bytes,
    pipeline: Sequence[Mapping] | None,
) -> tuple[dict, Compose | None]:
    """What a pipeline gets of a file, and the pipeline built.

    A file elsewhere is fetched, whether the pipeline says so or not: who names one file
    asks for it.
    """
    # a dict goes to the pipeline as it is: our reader says what is wrong with a path
    sample = dict(
        filename=os.fspath(path), label=-1, start_index=0, modality="RGB", damage=[]
    )
    elsewhere = is_remote(path)
    if pipeline is None and (not elsewhere or model is None):
        return sample, None
    steps = [dict(step) for step in pipeline or model.cfg.test_pipeline]
    if elsewhere and not any("FetchMedia" in str(step.get("type")) for step in steps):
        steps.insert(0, dict(type="FetchMedia"))
    init_default_scope(model.cfg.get("default_scope", "mmaction"))
    return sample, Compose(steps)
