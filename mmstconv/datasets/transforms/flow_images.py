"""Flow images that users have extracted already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import MediaError, MediaLimits
from mmstconv.media.reading.image_folder import image_numbers, read_image

from ..bad_samples import is_of_the_sample
from .checks import positive_number, require
from .extracted import checked_pattern, companion, first_extracted, note
from .flow import quantize
from .loading import mark_presence
from .opening import ABSENT_SIZE
from .roles import Role

NEUTRAL = 128


@TRANSFORMS.register_module()
class LoadFlowImages(BaseTransform):
    """Loads extracted flow (``flow_x_00001.jpg`` ...) beside the frames.

    Each pair becomes an image of its own in ``imgs``, so MMAction2's geometric
    augmentations act on frames and flow alike; :class:`SplitFlowImages` takes them out
    again. Augmentations of colour come before this transform.

    Where there are no images, or none that can be read, the modality is absent: there
    are images of no motion in their place. So it is for a sample that the data set has
    given up (``failure``). For a single image that is missing or broken the one before
    stands in. ``damage`` names what is broken; a sample without any images is whole.

    Images are read at 8 bits, those of 16 by their upper byte. Crops and flips come
    after this transform, without ``lazy``.

    Required Keys:

        - filename
        - failure (optional)
        - media
        - frame_times
        - clip_len
        - imgs, img_shape, scale_factor (optional)

    Modified Keys:

        - imgs: the clips' flow images behind the frames
        - damage

    Added Keys:

        - flow_images: their number
        - flow_scale: of the vectors, if the images differ in size from the frames
        - presence: of ``flow``

    Args:
        directory: Directory of a file's images; ``{stem}`` and ``{parent}`` stand for
            the media file's name without suffix and its directory's name.
        template: Name of an image; ``{axis}`` is ``x`` or ``y``, ``{index}`` counts
            from 0 if there is an image 0, else from 1.
        fps: Rate at which the images were extracted; None is the video's nominal rate.
    """

    role = Role(modalities=("flow",))

    def __init__(
        self,
        directory: str,
        template: str = "flow_{axis}_{index:05d}.jpg",
        fps: float | None = None,
    ) -> None:
        self.directory = checked_pattern("directory", directory, "stem", "parent")
        self.template = checked_pattern("template", template, "axis", "index")
        self.fps = None if fps is None else positive_number("fps", fps)

    def transform(self, results: dict) -> dict:
        media = require(results, "media", self, "OpenMedia")
        times = require(results, "frame_times", self, "SampleClips")[:, :-1].ravel()
        moved = [key for key in ("crop_bbox", "flip", "warped") if key in results]
        if moved:
            raise ValueError(
                "frames were cropped, flipped or warped before LoadFlowImages, and "
                "flow images were not; put RandomResizedCrop, CenterCrop, Flip and the "
                "like, without lazy=True, after it; leave out ClipRandAugment and "
                "FlipViews"
            )
        images = None
        if not results.get("failure"):
            fps = self.fps or media.info.fps or results["clip_len"]
            index = np.floor((times - media.extent[0]) * fps + 1e-6).astype(int)
            images = self._read(results, index, fps)
        present = images is not None
        if not present:
            shape = results.get("img_shape", ABSENT_SIZE)
            images = [np.full((*shape, 3), NEUTRAL, np.uint8) for _ in times]

        height, width = images[0].shape[:2]
        shape = results.get("img_shape", (height, width))
        if shape != (height, width):
            images = [cv2.resize(image, shape[::-1]) for image in images]
        results["imgs"] = [*results.get("imgs", ()), *images]
        results["flow_images"] = len(images)
        before = np.asarray(results.get("scale_factor", (1, 1)), float)[:2]
        results["flow_scale"] = np.array([shape[1] / width, shape[0] / height]) / before
        results["img_shape"] = shape
        results.setdefault("original_shape", shape)
        mark_presence(results, present, "flow")
        return results

    def probe(self, results: Mapping) -> dict[str, bool]:
        """Whether the sample has images."""
        folder = companion(self.directory, results)
        return {"flow": bool(image_numbers(folder, self.template, axis="x"))}

    def check_extracted(self, infos: Iterable[Mapping]) -> None:
        """Raises if none of the samples has images.

        Args:
            infos: Of all samples of a data set.
        """

        def image_of(info: Mapping) -> Path:
            folder = companion(self.directory, info)
            numbers = image_numbers(folder, self.template, axis="x")
            return folder / self.template.format(axis="x", index=(numbers or [1])[0])

        first_extracted(infos, image_of, type(self).__name__)

    def _read(
        self, results: dict, index: np.ndarray, fps: float
    ) -> list[np.ndarray] | None:
        """The images of frames by their number from 0, or None."""
        directory = companion(self.directory, results)
        both = [set(image_numbers(directory, self.template, axis=a)) for a in "xy"]
        numbers = sorted(both[0] & both[1])
        if not numbers:
            if any(both):
                note(results, f"{directory} has flow images of one axis alone")
            return None
        first = min(numbers[0], 1)
        count = numbers[-1] - first + 1
        self._compare(results, directory, count, fps)
        images: dict[int, np.ndarray | None] = {}
        for number in first + np.clip(index, 0, count - 1):
            at = bisect_right(numbers, number)
            if at == 0 or numbers[at - 1] != number:
                missing = count - len(numbers)
                note(
                    results, f"{missing} of {count} flow images in {directory} missing"
                )
            if number not in images:
                order = (*reversed(numbers[:at]), *numbers[at:])
                images[number] = self._first_readable(results, directory, order)
        found = [images[number] for number in first + np.clip(index, 0, count - 1)]
        if found[0] is None:
            return None
        if len({image.shape for image in found}) > 1:
            note(results, f"{directory} has images of several sizes")
            return None
        return found

    def _compare(self, results: dict, directory: Path, count: int, fps: float) -> None:
        """Adds a note if the images last much longer or shorter than the file."""
        start, end = results["media"].extent
        lasts, whole = count / fps, end - start
        if abs(lasts - whole) > max(0.5, whole / 20):
            note(
                results,
                f"{count} flow images in {directory} last {lasts:.1f} s at {fps:g} a "
                f"second, the file {whole:.1f} s: is fps of LoadFlowImages right?",
            )

    def _first_readable(
        self, results: dict, directory: Path, numbers: Iterable[int]
    ) -> np.ndarray | None:
        for number in numbers:
            try:
                return self._load(directory, number)
            except (MediaError, OSError) as error:
                if not is_of_the_sample(error):
                    raise
                note(results, str(error))
        return None

    def _load(self, directory: Path, index: int) -> np.ndarray:
        """``(H, W, 3)``: x, y, and a constant that shows what happened to the image."""
        paths = [directory / self.template.format(axis=a, index=index) for a in "xy"]
        planes = [read_image(path, MediaLimits(), grey=True) for path in paths]
        if planes[0].shape != planes[1].shape:
            raise MediaError(str(paths[1]), "is not of the size of its x image")
        return np.stack([*planes, np.full_like(planes[0], NEUTRAL)], axis=-1)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(directory={self.directory!r}, "
            f"template={self.template!r}, fps={self.fps})"
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

    role = Role(modalities=("flow",), settings=("bound",))

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
        """Factors that the augmentations multiplied the vectors by, x and y."""
        scale = np.array(results["flow_scale"], np.float32)
        scale = scale * np.asarray(results.get("scale_factor", (1, 1)), np.float32)[:2]
        if results.get("flip"):
            direction = results["flip_direction"]
            scale *= {"horizontal": (-1, 1), "vertical": (1, -1)}[direction]
        return scale

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bound={self.bound})"
