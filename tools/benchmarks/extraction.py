"""What MMAction2 asks to extract before flow and audio are trained.

Its scripts start denseflow (flow of all frames at the source's size, clipped to 20
pixels, two JPEG files a pair), ffmpeg (the whole sound) and librosa (log-mel bands).
This does the same work with OpenCV, PyAV and librosa, file by file.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np

BOUND = 20  # pixels that become 0 and 255, denseflow's -b
RATE = 16000
BANDS = 64  # MMAction2 has 80: these are what the audio stream takes


def farneback() -> Callable:
    """OpenCV's, with the settings of its manual."""
    settings = (0.5, 3, 15, 3, 5, 1.2, 0)
    return lambda a, b: cv2.calcOpticalFlowFarneback(a, b, None, *settings)


def tvl1() -> Callable:
    """MMAction2's default, on the CPU."""
    return partial(cv2.optflow.createOptFlow_DualTVL1().calc, flow=None)


METHODS: dict[str, Callable[[], Callable]] = {"farneback": farneback, "tvl1": tvl1}


def grey_frames(path: Path) -> Iterator[np.ndarray]:
    """All frames of a file, as mmcv's ``VideoReader`` has them, in grey."""
    video = cv2.VideoCapture(str(path))
    while True:
        there, frame = video.read()
        if not there:
            return
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


def extract_flow(
    path: Path, folder: Path, method: str = "farneback", most: int | None = None
) -> int:
    """Flow images ``flow_x_00001.jpg``, ``flow_y_00001.jpg`` and so on, of at most so
    many pairs of frames; how many there are."""
    cv2.setNumThreads(1)  # one process a core
    folder.mkdir(parents=True, exist_ok=True)
    compute, number = METHODS[method](), 0
    for number, pair in enumerate(islice(pairwise(grey_frames(path)), most), 1):
        flow = compute(*pair)
        images = np.clip((flow + BOUND) * (255 / (2 * BOUND)) + 0.5, 0, 255)
        for axis, name in enumerate("xy"):
            image = images[..., axis].astype(np.uint8)
            cv2.imwrite(str(folder / f"flow_{name}_{number:05d}.jpg"), image)
    return number


def extract_audio(path: Path, wav: Path) -> None:
    """The whole sound of a file, as 16-bit samples."""
    wav.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path)) as media, wave.open(str(wav), "wb") as out:
        stream = media.streams.audio[0]
        resampler = av.AudioResampler("s16", stream.layout.name, stream.rate)
        out.setnchannels(stream.channels)
        out.setsampwidth(2)
        out.setframerate(stream.rate)
        for frame in media.decode(stream):
            for part in resampler.resample(frame):
                out.writeframes(part.to_ndarray().tobytes())


def audio_features(wav: Path, target: Path) -> None:
    """Log-mel bands of a wave file, ``(steps, bands)``, from 0 to 1."""
    import librosa

    target.parent.mkdir(parents=True, exist_ok=True)
    sound = librosa.load(wav, sr=RATE)[0]
    sound = sound * (0.1 / max(1e-4, float(np.sqrt(np.mean(sound**2)))))
    spectrum = np.abs(librosa.stft(sound, n_fft=512, hop_length=256))
    bank = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=BANDS, fmin=125, fmax=7600)
    level = 20 * np.log10(np.maximum(1e-5, bank @ spectrum)) - 20
    features = np.clip((level + 100) / 100, 0, 1).astype(np.float32).T
    np.save(target, features, allow_pickle=False)


def extract_sound(path: Path, folder: Path) -> None:
    """Both steps of the sound of a file: ``NAME.wav``, ``NAME.npy``."""
    wav = folder / f"{path.stem}.wav"
    extract_audio(path, wav)
    audio_features(wav, folder / f"{path.stem}.npy")
