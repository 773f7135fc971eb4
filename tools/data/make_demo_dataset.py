"""Makes the embedded data set: small videos whose classes no single modality can tell.

    python tools/data/make_demo_dataset.py data/demo

A soft-edged object moves over a still background while a tone glides. The 8 classes
are 2 colours x 2 directions of motion x 2 glides; all the rest is drawn independently
of the class. By construction

* colour is only in the RGB frames: warm and cool have the same luma and opposite
  chroma, and nothing in the picture leaves the RGB gamut, so no grey image tells them;
* motion is only in the order of the frames: it is vertical (training flips
  horizontally), wraps around, and starts anywhere;
* the glide is only in the order of the sound: a falling sound is a rising one played
  backwards, sweeps repeat so that every window of 0.8 s holds more than one, and the
  first may start anywhere in its sweep.

In val and test, eight files in a row are siblings: they share every nuisance and differ
in the class alone. A model that cannot know a factor then answers siblings alike, and
its accuracy is what it knows, not that plus the luck of its guesses.

The same files with several labels each, or none, are in ``train_attributes.txt`` and so
on: whether the object is cool, goes down, and its sound falls.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from pathlib import Path

import cv2
import numpy as np

MANIFEST = "manifest.json"
VERSION = 2  # of the content: raise it whenever the same seed gives other files
FACTORS = {
    "colour": ("warm", "cool"),
    "motion": ("up", "down"),
    "glide": ("rising", "falling"),
}
CLASSES = ["_".join(names) for names in product(*FACTORS.values())]
ATTRIBUTES = [second for _, second in FACTORS.values()]  # a clip has each or not
SIBLINGS = {"train": 1, "val": 8, "test": 8}
SPLITS = tuple(SIBLINGS)

# The largest chroma, 34, moves a channel by 1.772 * 34 = 60.2 at most: luma in this
# range stays inside the gamut for both colours, so none is clipped more than the other.
LUMA_RANGE = (63.0, 192.0)
TO_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)

SHAPES = {
    "disc": lambda u, v: np.hypot(u, v) - 1,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.7) - 0.3,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) - 0.85,
    "bar": lambda u, v: np.maximum(np.abs(u), 1.8 * np.abs(v)) - 1,
    "cross": lambda u, v: np.maximum(
        np.minimum(np.abs(u), np.abs(v)) - 0.4, np.maximum(np.abs(u), np.abs(v)) - 1
    ),
}


@dataclass(frozen=True)
class Spec:
    """All that is decided about one clip, but for its textures and noise."""

    colour: int
    motion: int
    glide: int
    # time
    fps: int
    num_frames: int
    # picture; lengths in pixels unless said otherwise
    height: int
    width: int
    shape: str
    radius: float  # the object takes 2 * radius
    angle: float
    x: float  # centre of the object
    y: float  # centre in the first frame
    speed: float  # pixels a second
    chroma: float
    luma: float
    texture: float  # amplitude of the object's texture, in luma
    background: str  # "plain", "noise" or "photo"
    background_luma: float
    background_contrast: float
    grain: float  # noise of each frame, in luma
    # sound
    sample_rate: int
    channels: int
    level: float  # root mean square in dB of full scale
    pan: float
    base_pitch: float  # lowest pitch in Hz
    octaves: float  # range of one sweep
    sweep: float  # seconds a sweep takes
    sweep_start: float  # where in the sweep the sound begins, in [0, 1)
    rolloff: float  # amplitude of harmonic k is k ** -rolloff
    snr: float  # tone over background noise in dB
    noise_slope: float  # its power falls as frequency ** -noise_slope

    @property
    def label(self) -> int:
        return self.colour * 4 + self.motion * 2 + self.glide

    @property
    def duration(self) -> float:
        return self.num_frames / self.fps


def draw_spec(rng: np.random.Generator, label: int) -> Spec:
    """Draws the nuisances; which ones does not depend on the label."""
    fps = int(rng.choice([24, 25, 30]))
    height = int(rng.choice([96, 104, 112]))
    width = int(rng.choice([w for w in (96, 104, 112, 120, 128) if w >= height]))
    radius = height * rng.uniform(0.15, 0.225)
    reach = height / 2 - radius  # a centred square crop keeps the whole object
    background = str(rng.choice(["plain", "noise", "photo"]))
    return Spec(
        colour=label // 4,
        motion=label // 2 % 2,
        glide=label % 2,
        fps=fps,
        num_frames=round(fps * rng.uniform(1.5, 3.0)),
        height=height,
        width=width,
        shape=str(rng.choice(list(SHAPES))),
        radius=radius,
        angle=rng.uniform(0, 2 * np.pi),
        x=width / 2 + rng.uniform(-reach, reach),
        y=rng.uniform(0, height),
        speed=height * rng.uniform(0.25, 0.45),
        chroma=rng.uniform(26, 34),
        luma=rng.uniform(100, 155),
        texture=rng.uniform(15, 30),
        background=background,
        background_luma=rng.uniform(90, 165),
        background_contrast=rng.uniform(8, 30),
        grain=rng.uniform(0.5, 4),
        sample_rate=int(rng.choice([16000, 44100, 48000], p=[0.5, 0.25, 0.25])),
        channels=int(rng.choice([1, 2])),
        level=rng.uniform(-28, -14),
        pan=rng.uniform(0.2, 0.8),
        base_pitch=200 * 2 ** rng.uniform(0, 1),
        octaves=rng.uniform(1.5, 2),
        sweep=rng.uniform(0.4, 0.7),
        sweep_start=rng.uniform(),
        rolloff=rng.uniform(0.5, 1.5),
        snr=rng.uniform(15, 30),
        noise_slope=rng.uniform(0, 1.5),
    )


def render_frames(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Draws the clip's pictures.

    Returns:
        RGB, uint8, ``(num_frames, height, width, 3)``.
    """
    thing, columns = _draw_object(spec, rng)
    background = _draw_background(spec, rng)
    frames = np.empty((spec.num_frames, spec.height, spec.width, 3), np.uint8)
    for index, frame in enumerate(frames):
        travelled = (-1, 1)[spec.motion] * spec.speed * index / spec.fps
        moved = _roll_rows(thing, spec.y - spec.height // 2 + travelled)
        image = background.copy()
        image[:, columns] *= 1 - moved[..., 3:]
        image[:, columns] += moved[..., :3]
        luma = image[..., 0]
        luma += spec.grain * rng.standard_normal(luma.shape, np.float32)
        np.clip(luma, *LUMA_RANGE, out=luma)
        frame[:] = cv2.transform(image, TO_RGB) + 0.5
    return frames


def _draw_object(spec: Spec, rng: np.random.Generator) -> tuple[np.ndarray, slice]:
    """The object at half height, and the columns it takes.

    Returns:
        Luma, chroma (two), each times opacity, and opacity, ``(H, columns, 4)``.
    """
    rows, columns = np.mgrid[: spec.height, : spec.width]
    dy, dx = (rows - spec.height // 2) / spec.radius, (columns - spec.x) / spec.radius
    u = np.cos(spec.angle) * dx + np.sin(spec.angle) * dy
    v = np.cos(spec.angle) * dy - np.sin(spec.angle) * dx
    # Corners may lie outside the unit disc: shrink what is drawn into it.
    distance = SHAPES[spec.shape](1.2 * u, 1.2 * v) * spec.radius
    alpha = np.clip(0.5 - distance, 0, 1)
    luma = spec.luma + spec.texture * _smooth_noise(rng, spec, spec.radius / 2.5)
    red = np.full_like(luma, spec.chroma * (1, -1)[spec.colour])  # warm: red, not blue
    thing = np.dstack([luma * alpha, -red * alpha, red * alpha, alpha])
    first, *_, last = np.flatnonzero(alpha.any(axis=0))
    columns = slice(first, last + 1)
    return thing[:, columns].astype(np.float32), columns


def _draw_background(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Luma and the two chroma components, ``(H, W, 3)``."""
    background = np.zeros((spec.height, spec.width, 3), np.float32)
    if spec.background == "noise":
        background[..., 0] = _smooth_noise(rng, spec, rng.uniform(2, 8))
    elif spec.background == "photo":
        background[:] = _crop_photo(spec, rng)
    background *= np.float32([spec.background_contrast, 10, 10])
    background[..., 0] += spec.background_luma
    return background


def _smooth_noise(rng: np.random.Generator, spec: Spec, cell: float) -> np.ndarray:
    """``(H, W)`` with mean 0 and about 95 % of it in [-1, 1]; ``cell`` pixels wide."""
    grid = [int(np.ceil(side / cell)) + 1 for side in (spec.height, spec.width)]
    noise = rng.standard_normal(grid).clip(-2, 2).astype(np.float32)
    noise = cv2.resize(noise, (spec.width, spec.height), interpolation=cv2.INTER_LINEAR)
    return noise / 2 / max(float(noise.std()), 0.1)


@lru_cache(maxsize=1)
def _load_photos() -> list[np.ndarray]:
    """scikit-learn's photographs in YCbCr, each component scaled to about [-1, 1]."""
    # `load_sample_images` would do, after two seconds of imports in every process.
    package = Path(importlib.util.find_spec("sklearn").origin).parent
    paths = sorted(package.glob("datasets/images/*.jpg"))
    if not paths:
        raise FileNotFoundError(f"no photographs in '{package}/datasets/images'")
    photos = [cv2.imread(str(path))[..., ::-1] / 127.5 - 1 for path in paths]
    return [(photo @ np.linalg.inv(TO_RGB).T).astype(np.float32) for photo in photos]


def _crop_photo(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    photos = _load_photos()
    photo = photos[rng.integers(len(photos))]
    scale = rng.uniform(1, photo.shape[0] / spec.height)  # they are wider than high
    height, width = int(scale * spec.height), int(scale * spec.width)
    top = rng.integers(photo.shape[0] - height + 1)
    left = rng.integers(photo.shape[1] - width + 1)
    crop = photo[top : top + height, left : left + width]
    # Either sign of its chroma is as likely: the photographs favour no colour.
    crop = crop * np.float32([1, *[rng.choice([-1, 1])] * 2])
    return cv2.resize(crop, (spec.width, spec.height), interpolation=cv2.INTER_AREA)


def _roll_rows(image: np.ndarray, shift: float) -> np.ndarray:
    """Moves an image down by a real number of pixels; what leaves comes in on top."""
    whole = int(np.floor(shift))
    part = np.float32(shift - whole)
    near, far = np.roll(image, whole, axis=0), np.roll(image, whole + 1, axis=0)
    return (1 - part) * near + part * far


def render_sound(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Makes the clip's sound, as long as its pictures.

    Returns:
        float32 in [-1, 1], ``(channels, samples)``.
    """
    samples = round(spec.duration * spec.sample_rate)
    place = np.arange(samples) / spec.sample_rate / spec.sweep + spec.sweep_start
    place %= 1
    pitch = spec.base_pitch * 2 ** (spec.octaves * place)
    phase = (np.cumsum(pitch) / spec.sample_rate + rng.uniform()) % 1
    phase = (2 * np.pi * phase).astype(np.float32)
    tone = sum(
        k**-spec.rolloff * np.sin(k * phase + np.float32(2 * np.pi * rng.uniform()))
        for k in range(1, 5)
    )
    # Fade out and in around the leap between sweeps, the same way on both sides.
    tone *= np.sin(np.pi / 2 * np.minimum(1, np.minimum(place, 1 - place) / 0.12)) ** 2
    tone /= np.sqrt(np.mean(tone**2))

    spectrum = np.fft.rfft(rng.standard_normal((spec.channels, samples)))
    bins = np.arange(spectrum.shape[1]) * spec.sample_rate / samples
    noise = np.fft.irfft(
        spectrum * np.maximum(bins, 50) ** (-spec.noise_slope / 2), samples
    )
    noise *= 10 ** (-spec.snr / 20) / np.sqrt(np.mean(noise**2))

    angle = np.pi / 2 * spec.pan
    gains = [[1.0]] if spec.channels == 1 else [[np.cos(angle)], [np.sin(angle)]]
    sound = 10 ** (spec.level / 20) * (np.array(gains) * tone + noise)
    sound = np.clip(sound, -1, 1).astype(np.float32)
    return sound[:, ::-1] if spec.glide else sound  # falling is rising, backwards


def draw_labels(seed: int, split: str, size: int) -> np.ndarray:
    """Labels: all classes in each eight, in random order."""
    rng = np.random.default_rng(_seeds(seed, split))
    eights = [rng.permutation(len(CLASSES)) for _ in range(0, size, len(CLASSES))]
    return np.concatenate([*eights, []]).astype(int)[:size]


def clip_rngs(seed: int, split: str, index: int) -> list[np.random.Generator]:
    """Streams for a clip's spec, pictures and sound; the same for its siblings."""
    seeds = _seeds(seed, split, index // SIBLINGS[split])
    return [np.random.default_rng(s) for s in seeds.spawn(3)]


def _seeds(seed: int, split: str, *index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), *index))


DrawSpec = Callable[[np.random.Generator, int], Spec]


def write_clip(
    job: tuple[str, int, int], out: Path, seed: int, draw: DrawSpec = draw_spec
) -> None:
    """Renders and encodes one clip; the file appears only when it is whole."""
    from mmstconv.media import VideoCoding, write_media

    split, index, label = job
    spec_rng, frames_rng, sound_rng = clip_rngs(seed, split, index)
    spec = draw(spec_rng, label)
    write_media(
        clip_path(out, split, index),
        render_frames(spec, frames_rng),
        spec.fps,
        render_sound(spec, sound_rng),
        spec.sample_rate,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "23"}),
        record=out,
    )


def clip_path(out: Path, split: str, index: int) -> Path:
    return Path(out) / split / f"{index:05d}.mp4"


def attributes_of(label: int) -> list[str]:
    """The numbers of the attributes that a class has."""
    parts = CLASSES[label].split("_")
    return [str(k) for k, name in enumerate(ATTRIBUTES) if name in parts]


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int],
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
    draw: DrawSpec = draw_spec,
) -> None:
    """Writes what is missing of the data set; silent when that is nothing.

    Args:
        out: Folder of the data set.
        sizes: Number of clips of each split.
        seed: Of all that is drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.
        draw: Draws a clip's spec; picklable.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    from mmstconv.disk import FolderLock, refuse_foreign, remove_unfinished, write_own

    out = Path(out)
    labels = {split: draw_labels(seed, split, sizes[split]) for split in SPLITS}
    texts = {
        f"{split}.txt": "".join(
            f"{clip_path(out, split, index).name} {label}\n"
            for index, label in enumerate(labels[split])
        )
        for split in SPLITS
    }
    for split in SPLITS:
        texts[f"{split}_attributes.txt"] = "".join(
            " ".join([clip_path(out, split, index).name, *attributes_of(label)]) + "\n"
            for index, label in enumerate(labels[split])
        )
    texts["classes.txt"] = "\n".join(CLASSES) + "\n"
    texts["attributes.txt"] = "\n".join(ATTRIBUTES) + "\n"
    missing = [
        (split, index, int(label))
        for split in SPLITS
        for index, label in enumerate(labels[split])
        if not os.path.lexists(clip_path(out, split, index))
    ]
    manifest = {"version": VERSION, "seed": seed, "sizes": sizes, "spec": draw.__name__}
    _check_manifest(out, manifest)
    texts = {name: text for name, text in texts.items() if _read(out / name) != text}
    if not missing and not texts:
        return
    if check:
        raise FileNotFoundError(f"'{out}': {len(missing)} clips or an annotation miss")

    refuse_foreign(out / name for name in texts)
    lock = FolderLock(out, "a run of make_demo_dataset", "Wait for it or end it")
    try:
        for split in SPLITS:
            (out / split).mkdir(exist_ok=True)
        if not (out / MANIFEST).exists():
            write_own(out / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        remove_unfinished(out, below=True)
        write = partial(write_clip, out=out, seed=seed, draw=draw)
        _write_clips(missing, write, workers)
        for name, text in texts.items():
            write_own(out / name, text)
    finally:
        lock.release()


def _check_manifest(out: Path, manifest: dict) -> None:
    text = _read(out / MANIFEST)
    if text is None:
        if out.is_dir() and any(p for p in out.iterdir() if p.name[0] != "."):
            raise ValueError(f"'{out}' is not empty and holds no demo data set")
        return
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(f"'{out / MANIFEST}' is of something else") from None
    if found != manifest:
        raise ValueError(
            f"'{out}' holds a data set made with {found}, asked for is {manifest}: "
            "choose another folder, or remove this one"
        )


def _write_clips(jobs: list, write: Callable, workers: int) -> None:
    if not jobs:
        return
    from tqdm import tqdm

    bar = {"desc": "making the demo data set", "unit": "file", "total": len(jobs)}
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    if workers <= 1:
        for job in tqdm(jobs, **bar):
            write(job)
    else:
        # Forking a process that has threads (torch, OpenCV) may hang: spawn.
        # A Pool, whose workers end with their parent, however that ends.
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(jobs)), _initialize_worker) as pool:
            for _ in tqdm(pool.imap_unordered(write, jobs, chunksize=4), **bar):
                pass


def _initialize_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    cv2.setNumThreads(1)


def _read(path: Path) -> str | None:
    return path.read_text("utf-8", "surrogateescape") if path.is_file() else None


def main(arguments: list[str] | None = None) -> None:
    from mmstconv.disk import local_path, print_any_name

    print_any_name()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=local_path, help="folder of the data set")
    for split, size in zip(SPLITS, (320, 80, 320)):
        parser.add_argument(f"--{split}", type=int, default=size, help="clips")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--check", action="store_true", help="only see if all is there")
    args = parser.parse_args(arguments)
    sizes = {split: getattr(args, split) for split in SPLITS}
    if min(*sizes.values(), args.seed) < 0:
        parser.error("sizes and seed must not be negative")
    try:
        make_dataset(args.out, sizes, args.seed, args.workers, args.check)
    except (ValueError, OSError) as error:
        sys.exit(f"make_demo_dataset: {error}")
    except KeyboardInterrupt:
        sys.exit("\nmake_demo_dataset: interrupted, run again to go on")


if __name__ == "__main__":
    main()
