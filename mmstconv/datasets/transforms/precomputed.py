"""Flow images and audio features that users have extracted already."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import MediaError

from .checks import positive_int, positive_number, require
from .flow import quantize
from .loading import mark_presence

NEUTRAL = 128


def companion(pattern: str, filename: str) -> Path:
    """The path that belongs to a media file.

    Args:
        pattern: With ``{stem}`` for the file's name without suffix and ``{parent}``
            for the name of its directory.
        filename: The media file.
    """
    path = Path(filename)
    return Path(pattern.format(stem=path.stem, parent=path.parent.name))


def checked_pattern(name: str, pattern: str, *fields: str) -> str:
    """A pattern that can be filled in, or a clear error."""
    try:
        filled = pattern.format(**dict.fromkeys(fields, 1))
    except (KeyError, IndexError, ValueError, AttributeError):
        filled = None
    if not filled:
        raise ValueError(
            f"{name} may contain {['{' + field + '}' for field in fields]}, "
            f"got {pattern!r}"
        )
    return pattern


@TRANSFORMS.register_module()
class LoadFlowImages(BaseTransform):
    """Loads extracted flow (``flow_x_00001.jpg`` ...) beside the frames.

    Each pair becomes an image of its own in ``imgs``, so MMAction2's geometric
    augmentations act on frames and flow alike; :class:`SplitFlowImages` takes them out
    again. Augmentations of colour come before this transform.

    A sample that the data set has given up (``failure``) gets images of no motion and
    is marked absent.

    Required Keys:

        - filename
        - failure (optional)
        - media
        - frame_times
        - clip_len
        - imgs, img_shape (optional)

    Modified Keys:

        - imgs: the clips' flow images behind the frames

    Added Keys:

        - flow_images: their number
        - flow_scale: of the vectors, if the images differ in size from the frames
        - presence: of ``flow``

    Args:
        directory: Directory of a file's images; ``{stem}`` and ``{parent}`` stand for
            the media file's name without suffix and its directory's name.
        template: Name of an image; ``{axis}`` is ``x`` or ``y``, ``{index}`` counts
            from 1.
        fps: Rate at which the images were extracted; None is the video's nominal rate.
        absent_size: Side of the square images that stand for those that cannot be
            read, where no frames were loaded.
    """

    def __init__(
        self,
        directory: str,
        template: str = "flow_{axis}_{index:05d}.jpg",
        fps: float | None = None,
        absent_size: int = 256,
    ) -> None:
        self.directory = checked_pattern("directory", directory, "stem", "parent")
        self.template = checked_pattern("template", template, "axis", "index")
        self.fps = None if fps is None else positive_number("fps", fps)
        self.absent_size = positive_int("absent_size", absent_size)

    def transform(self, results: dict) -> dict:
        media = require(results, "media", self, "OpenMedia")
        times = require(results, "frame_times", self, "SampleClips")[:, :-1].ravel()
        present = not results.get("failure")
        if present:
            directory = companion(self.directory, results["filename"])
            fps = self.fps or media.info.fps or results["clip_len"]
            index = np.floor((times - media.extent[0]) * fps + 1e-6).astype(int)
            index = np.clip(index, 0, self._count(directory) - 1)
            images = [self._load(directory, i + 1) for i in index]
            if len({image.shape for image in images}) > 1:
                raise MediaError(str(directory), "has images of several sizes")
        else:
            shape = results.get("img_shape", (self.absent_size,) * 2)
            images = [np.full((*shape, 3), NEUTRAL, np.uint8) for _ in times]

        height, width = images[0].shape[:2]
        shape = results.get("img_shape", (height, width))
        if shape != (height, width):
            images = [cv2.resize(image, shape[::-1]) for image in images]
        results["imgs"] = [*results.get("imgs", ()), *images]
        results["flow_images"] = len(images)
        results["flow_scale"] = (shape[1] / width, shape[0] / height)
        results["img_shape"] = shape
        results.setdefault("original_shape", shape)
        mark_presence(results, present, "flow")
        return results

    def probe(self, results: dict) -> dict[str, bool]:
        """Whether the file's first image is there."""
        name = self.template.format(axis="x", index=1)
        return {
            "flow": (companion(self.directory, results["filename"]) / name).exists()
        }

    def _count(self, directory: Path) -> int:
        """How many images there are, counted without listing the directory."""
        low, high = 0, 1
        while (directory / self.template.format(axis="x", index=high)).exists():
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            name = self.template.format(axis="x", index=middle)
            low, high = (middle, high) if (directory / name).exists() else (low, middle)
        if low == 0:
            name = self.template.format(axis="x", index=1)
            raise FileNotFoundError(f"flow image not found: {directory / name}")
        return low

    def _load(self, directory: Path, index: int) -> np.ndarray:
        """``(H, W, 3)``: x, y, and a constant that shows what happened to the image."""
        planes = []
        for axis in ("x", "y"):
            path = directory / self.template.format(axis=axis, index=index)
            if not path.exists():
                raise FileNotFoundError(f"flow image not found: {path}")
            plane = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if plane is None:
                raise MediaError(str(path), "is not a readable image")
            planes.append(plane)
        if planes[0].shape != planes[1].shape:
            raise MediaError(str(path), "is not of the size of its x image")
        return np.stack([*planes, np.full_like(planes[0], NEUTRAL)], axis=-1)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(directory={self.directory!r}, "
            f"template={self.template!r}, fps={self.fps}, "
            f"absent_size={self.absent_size})"
        )


@TRANSFORMS.register_module()
class SplitFlowImages(BaseTransform):
    """Takes the images of :class:`LoadFlowImages` out again, as flow in pixels.

    Vectors follow what MMAction2's ``Resize`` and ``Flip`` did to the images.

    Required Keys:

        - imgs
        - flow_images
        - flow_scale
        - clip_len
        - scale_factor, flip, flip_direction (optional)

    Modified Keys:

        - imgs: the frames alone

    Added Keys:

        - flow: float32 ``(M, 2, clip_len, H, W)``, x then y, in pixels

    Args:
        bound: Flow in pixels that the images' extremes stand for.
    """

    def __init__(self, bound: float = 20.0) -> None:
        self.bound = positive_number("bound", bound)

    def transform(self, results: dict) -> dict:
        count = require(results, "flow_images", self, "LoadFlowImages")
        frames = count // results["clip_len"] * (results["clip_len"] + 1)
        images = results["imgs"]
        if len(images) % (frames + count):  # no frames were loaded
            frames = 0
        per_crop = frames + count
        crops = range(0, len(images), per_crop)
        flow = np.stack(
            [image for at in crops for image in images[at + frames : at + per_crop]]
        )
        if (flow[..., 2] != NEUTRAL).any():
            raise ValueError(
                "flow images were changed by an augmentation of colour; "
                "put it before LoadFlowImages"
            )
        vectors = flow[..., :2].astype(np.float32) - NEUTRAL  # (M * T, H, W, 2)
        vectors *= 2 * self.bound / 255 * self._scale(results)
        vectors = vectors.reshape(-1, results["clip_len"], *vectors.shape[1:])
        results["flow"] = quantize(vectors.transpose(0, 4, 1, 2, 3), self.bound)
        results["imgs"] = [image for at in crops for image in images[at : at + frames]]
        return results

    @staticmethod
    def _scale(results: dict) -> np.ndarray:
        """By what the augmentations multiplied the vectors, x and y."""
        scale = np.array(results["flow_scale"], np.float32)
        scale = scale * np.asarray(results.get("scale_factor", (1, 1)), np.float32)[:2]
        if results.get("flip"):
            direction = results["flip_direction"]
            scale *= {"horizontal": (-1, 1), "vertical": (1, -1)}[direction]
        return scale

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bound={self.bound})"


@TRANSFORMS.register_module()
class LoadClipAudioFeature(BaseTransform):
    """Cuts the clips' windows out of an extracted audio feature (``.npy``).

    A sample that the data set has given up (``failure``) gets zeros and is marked
    absent.

    Required Keys:

        - filename
        - failure (optional)
        - clip_starts
        - clip_duration
        - media (optional)

    Added Keys:

        - audio: float32 ``(num_clips, bands, F)``
        - presence: of ``audio``

    Args:
        path: Path of a file's feature, ``(time, bands)``; ``{stem}`` and ``{parent}``
            stand for the media file's name without suffix and its directory's name.
        rate: Rows of the feature per second.
        context: Seconds added to the clip's duration, half before and half after.
        absent_bands: Bands of the zeros that stand for a feature that cannot be read;
            give those of the features.
    """

    def __init__(
        self, path: str, rate: float, context: float = 0.0, absent_bands: int = 64
    ) -> None:
        self.path = checked_pattern("path", path, "stem", "parent")
        self.rate = positive_number("rate", rate)
        self.context = positive_number("context", context, allow_zero=True)
        self.absent_bands = positive_int("absent_bands", absent_bands)

    def transform(self, results: dict) -> dict:
        starts = require(results, "clip_starts", self, "SampleClips")
        present = not results.get("failure")
        if present:
            feature = _read_feature(companion(self.path, results["filename"]))
        else:
            feature = np.zeros((1, self.absent_bands), np.float32)
        length = max(round((results["clip_duration"] + self.context) * self.rate), 1)
        begins = np.rint((starts - self.context / 2) * self.rate).astype(int)
        rows = np.clip(begins[:, None] + np.arange(length), 0, len(feature) - 1)
        windows = feature[rows].transpose(0, 2, 1)  # (num_clips, bands, F)
        results["audio"] = np.ascontiguousarray(windows, np.float32)
        mark_presence(results, present, "audio")
        return results

    def probe(self, results: dict) -> dict[str, bool]:
        """Whether the file's feature is there."""
        return {"audio": companion(self.path, results["filename"]).exists()}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(path={self.path!r}, rate={self.rate}, "
            f"context={self.context}, absent_bands={self.absent_bands})"
        )


def _read_feature(path: Path) -> np.ndarray:
    """``(time, bands)``, without running what a pickled array may hold."""
    if not path.exists():
        raise FileNotFoundError(f"audio feature not found: {path}")
    try:
        feature = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MediaError(str(path), f"is not a readable array: {error}") from error
    if isinstance(feature, np.lib.npyio.NpzFile):
        feature.close()
        raise MediaError(str(path), "holds several arrays, not one")
    if feature.dtype.kind not in "fiu":
        raise MediaError(str(path), "is not an array of numbers")
    if feature.ndim != 2 or 0 in feature.shape:
        raise MediaError(
            str(path), f"expected an array (time, bands), got shape {feature.shape}"
        )
    if not np.isfinite(feature).all():
        raise MediaError(str(path), "has values that are not finite")
    return feature
