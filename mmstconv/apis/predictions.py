"""Many video files recognised, in batches: classes, what each stream says, errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from mmaction.structures import ActionDataSample
from mmengine.dataset import Compose, pseudo_collate
from torch import Tensor, nn

from ..disk import is_remote
from ..media import MediaError
from .inference import as_sample, class_names, class_probabilities
from .sources import Source, content_of, name_of
from .tasks import class_head, require_classes


class Prediction(NamedTuple):
    """What a model says of one file.

    Args:
        source: The file; of bytes and streams their name.
        scores: ``{class: probability}``, the most probable first; empty if the file
            could not be used.
        streams: ``{modality: {class: probability}}`` of each modality that the file
            has, by itself; empty of models with a single stream, or none.
        presence: ``{modality: whether the file has it}``.
        damage: What was found broken in the file, which was used all the same.
        error: Why the file could not be used; None: it was.
    """

    source: str
    scores: dict[str, float]
    streams: dict[str, dict[str, float]]
    presence: dict[str, bool]
    damage: tuple[str, ...] = ()
    error: Exception | None = None


def as_record(
    prediction: Prediction, top: int, several: bool, threshold: float
) -> dict:
    """A prediction, of JSON's types.

    Args:
        prediction: Of a file that could be used.
        top: So many classes.
        several: Whether the classes are instead those that reach ``threshold``.
        threshold: A probability.
    """
    shown = list(prediction.scores.items())
    first = shown[:1]
    shown = [one for one in shown if one[1] >= threshold] if several else shown[:top]
    classes = [
        dict(
            name=name,
            score=score,
            streams={m: said[name] for m, said in prediction.streams.items()},
        )
        for name, score in shown
    ]
    return dict(
        classes=classes,
        first=first[0] if several and not shown and first else None,
        presence=dict(prediction.presence),
        damage=list(prediction.damage),
    )


class Opened(NamedTuple):
    """A file that went through the pipeline, or why it did not."""

    name: str
    packed: dict | None
    damage: tuple[str, ...] = ()
    error: Exception | None = None


class Files(torch.utils.data.Dataset):
    """Files as a pipeline packs them; one that cannot be used is an error, not raised.

    Args:
        sources: The files.
        pipeline: Of transforms, built.
    """

    def __init__(self, sources: Sequence[Source], pipeline: Compose) -> None:
        self.sources = sources
        self.pipeline = pipeline

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Opened:
        source = self.sources[index]
        name = name_of(source)
        try:
            sample, _ = as_sample(None, content_of(source), None)
            packed = self.pipeline(sample)
        except (OSError, MediaError) as error:
            return Opened(name, None, error=error)
        return Opened(name, packed, tuple(sample["damage"]))


def predict_videos(
    model: nn.Module,
    sources: Iterable[Source],
    *,
    batch_size: int = 8,
    workers: int = 0,
    streams: bool = True,
) -> Iterator[Prediction]:
    """Recognise video files, several at a time, in their order.

    Args:
        model: Of :func:`load_recognizer`.
        sources: Paths, ``bytes`` of whole files, binary streams, or URLs.
        batch_size: Files that go through the model at a time.
        workers: Processes that read files ahead; 0: none.
        streams: Whether to say what each modality says by itself.

    Yields:
        A :class:`Prediction` for each; of a file that cannot be used, its error.

    Raises:
        ValueError: The model's head gives clips no classes.
    """
    require_classes(model)
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
    sources = list(sources)
    elsewhere = next(filter(is_remote, sources), "")  # then all go past FetchMedia
    _, pipeline = as_sample(model, elsewhere, model.cfg.test_pipeline)
    loader = torch.utils.data.DataLoader(
        Files(sources, pipeline),
        batch_size=None,  # a file at a time: those that cannot be used leave no gap
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    opened = iter(loader)
    while batch := list(islice(opened, batch_size)):
        yield from _predict_batch(model, batch, streams)


@torch.inference_mode()
def _predict_batch(
    model: nn.Module, batch: Sequence[Opened], streams: bool
) -> Iterator[Prediction]:
    usable = [one for one in batch if one.error is None]
    found: dict[int, Prediction] = {}
    for alike in _alike(usable):
        data = pseudo_collate([one.packed for one in alike])
        data = model.data_preprocessor(data, False)
        for one, prediction in zip(alike, _predict_samples(model, data, streams)):
            found[id(one)] = prediction._replace(source=one.name, damage=one.damage)
    for one in batch:
        failed = Prediction(one.name, {}, {}, {}, error=one.error)
        yield found.get(id(one), failed)


def _alike(files: Sequence[Opened]) -> Iterator[list[Opened]]:
    """Files whose inputs have the same shapes, which fit into one batch."""
    groups: dict[tuple, list[Opened]] = {}
    for one in files:
        inputs = one.packed["inputs"]
        named = inputs if isinstance(inputs, dict) else {"": inputs}
        shapes = tuple((name, tuple(x.shape)) for name, x in named.items())
        groups.setdefault(shapes, []).append(one)
    yield from groups.values()


def _predict_samples(
    model: nn.Module, data: dict, streams: bool
) -> Iterator[Prediction]:
    inputs, samples = data["inputs"], data["data_samples"]
    by_stream = {}
    if hasattr(model, "fuse"):
        fused = model.fuse(inputs, samples)
        results = model.cls_head.predict(fused, samples)
        head = class_head(model)
        for name in fused.modalities if streams and len(fused.modalities) > 1 else ():
            own = [ActionDataSample(metainfo=one.metainfo) for one in samples]
            by_stream[name] = head.predict(fused.only(name), own)
    else:  # MMAction2's own recognizers
        results = model(inputs, samples, mode="predict")
    names = class_names(model)
    for row, sample in enumerate(results):
        presence = dict(sample.metainfo.get("presence", {}))
        said = {
            name: _ranked(model, names, each[row].pred_score)
            for name, each in by_stream.items()
            if presence.get(name, True)
        }
        scores = _ranked(model, names, sample.pred_score)
        yield Prediction("", scores, said, presence)


def _ranked(model: nn.Module, names: Sequence[str], scores: Tensor) -> dict[str, float]:
    shares, labels = class_probabilities(model, scores).sort(descending=True)
    return {names[k]: p for p, k in zip(shares.tolist(), labels.tolist())}
