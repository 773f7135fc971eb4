"""Cached steps of a video in place of its frames and sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform

from ..film_cache import FilmCache
from ..film_steps import FilmSteps
from .checks import positive_int, require
from .roles import Role

LOADER = "LoadFilmSteps"


@TRANSFORMS.register_module()
class LoadFilmSteps(BaseTransform):
    """Loads what the streams said all along a video, instead of the video.

    A sample that the data set has given up (``failure``) gets one step without any
    modality.

    Required Keys:

        - filename
        - failure (optional)

    Added Keys:

        - film_steps: :class:`FilmSteps`
        - step_count: T

    Args:
        cache: Folder that ``python -m mmstconv cache-steps`` has written.

    Raises:
        FilmStepsError: The video has no steps there, or they are stale: of other
            weights, another pipeline or hop, or of another content of the file.
        MediaError: The video could not be read when the cache was made.
    """

    role = Role()  # neither frames nor sound are loaded, and streams do not run

    def __init__(self, cache: str) -> None:
        self.cache = FilmCache(cache)

    def transform(self, results: dict) -> dict:
        filename = require(results, "filename", self, "a data set of videos")
        if results.get("failure"):
            steps = self.cache.blank()
        else:
            steps = self.cache.load(filename)
        results["film_steps"] = steps
        results["step_count"] = steps.count
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(cache={str(self.cache.folder)!r})"


@TRANSFORMS.register_module()
class CropFilmSteps(BaseTransform):
    """A random part of a video, always of the same number of steps.

    A video that has fewer is padded with zeros at its end; ``step_count`` says how many
    are real. For training: testing reads whole videos, one a batch.

    Required Keys:

        - film_steps
        - the names in ``per_step`` (optional)

    Modified Keys:

        - film_steps
        - step_count
        - the names in ``per_step``: ``(T, ...)``, cropped and padded alike

    Args:
        length: Steps.
        per_step: Keys of truth that has a value for each step of the video.

    Raises:
        ValueError: A value of ``per_step`` has not as many steps as the video.
    """

    role = Role(at_random=True)

    def __init__(self, length: int, per_step: Sequence[str] = ("gt_importance",)):
        self.length = positive_int("length", length)
        self.per_step = tuple(per_step)

    def transform(self, results: dict) -> dict:
        steps: FilmSteps = require(results, "film_steps", self, LOADER)
        total = steps.count
        first = np.random.randint(max(total - self.length, 0) + 1)
        part = steps.part(first, self.length)
        results["film_steps"] = part._replace(
            feats={name: self._padded(x) for name, x in part.feats.items()}
        )
        results["step_count"] = part.count
        for key in self.per_step:
            if key not in results:
                continue
            values = np.asarray(results[key])
            if len(values) != total:
                raise ValueError(
                    f"{results.get('filename')}: {key} has {len(values)} values, but "
                    f"the video has {total} steps"
                )
            results[key] = self._padded(values[first : first + self.length])
        return results

    def _padded(self, x: np.ndarray) -> np.ndarray:
        short = self.length - len(x)
        return np.pad(x, [(0, short)] + [(0, 0)] * (x.ndim - 1)) if short else x

    def __repr__(self) -> str:
        return f"{type(self).__name__}(length={self.length}, per_step={self.per_step})"


@TRANSFORMS.register_module()
class PackFilmSteps(BaseTransform):
    """Packs cached steps as a model with ``cached_steps=True`` takes them.

    Required Keys:

        - film_steps, step_count
        - the names in ``keys``
        - the names in ``meta_keys`` (optional)

    Added Keys:

        - inputs: ``{modality: float32 (1, T, D_m)}``
        - data_samples: ``ActionDataSample`` with the ``keys`` and, in its metainfo,
          ``presence``, ``step_count`` (real steps), ``clip_starts`` and
          ``clip_duration`` of the T steps in seconds of the video, ``film_end``, and
          the ``meta_keys``

    Args:
        keys: Truth to pack; ``'label'`` becomes ``gt_label``, an array a tensor.
        meta_keys: Further names for the metainfo.
    """

    role = Role("pack")

    def __init__(
        self, keys: Sequence[str] = (), meta_keys: Sequence[str] = ("filename",)
    ) -> None:
        self.keys = tuple(keys)
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        steps: FilmSteps = require(results, "film_steps", self, LOADER)
        sample = ActionDataSample()
        for key in self.keys:
            value = require(results, key, self, "a data set with this truth")
            if key == "label":
                sample.set_gt_label(value)
                continue
            if isinstance(value, np.ndarray):
                value = torch.from_numpy(np.ascontiguousarray(value))
            setattr(sample, key, value)
        known = {key: results[key] for key in self.meta_keys if key in results}
        sample.set_metainfo(
            dict(
                known,
                presence=dict(steps.presence),
                step_count=results["step_count"],
                clip_starts=np.array([steps.start]),
                clip_duration=steps.step * steps.count,
                film_end=steps.end,
            )
        )
        inputs = {
            name: torch.from_numpy(np.ascontiguousarray(x))[None]
            for name, x in steps.feats.items()
        }  # (1, T, D_m)
        return dict(inputs=inputs, data_samples=sample)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={self.keys}, meta_keys={self.meta_keys})"
