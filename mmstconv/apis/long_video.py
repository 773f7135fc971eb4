"""A model all along a long video, at the price of reading it once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from ..media.reading.sequential import SequentialMedia
from .inference import fuse_clips, predict_video
from .windows import Window, Windows, window_count

# Frames that go through the trunks at a time: enough for products of a good size, few
# enough for memory that does not count.
PIECE = 64


def score_video(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    hop: int | None = None,
    skip: int = 0,
    pipeline: Sequence[Mapping] | None = None,
    stage: str = "predict",
    to_end: bool = False,
) -> Iterator[Window]:
    """What a model says of overlapping windows, one after another, with any head.

    Memory does not grow.

    Window w begins ``w * hop`` frames after the start of the video and is what the test
    pipeline makes of a clip that starts there. Every frame is decoded, resized and
    cropped once, flow is derived once, sound is decoded once. Streams whose
    ``STConvNet`` has ``temporal_padding=False`` also compute every feature once; others
    run on each window. Either way the scores are those of each window by itself.

    A part at the end that is shorter than ``hop`` is in no window, unless ``to_end``
    asks for one that runs past the end. A video shorter than
    one window is scored once, as :func:`predict_video` does. A modality that the file
    lacks is absent.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file.
        hop: Frames (of the pipeline's rate) from one window to the next, a multiple of
            the model's stride over time; a quarter of the window if None.
        skip: So many windows at the beginning are not wanted: what is known already.
        pipeline: Instead of the config's ``test_pipeline``.
        stage: ``'predict'``: the head's prediction; ``'steps'``: the fused features
            over time that heads of other tasks read, and the head does not run.
        to_end: Go on until the steps of the last window reach the end of the video:
            beyond it the last frame stands still, in silence.

    Yields:
        A :class:`Window` for each window.

    Raises:
        ValueError: ``hop`` or the pipeline does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> for window in score_video(model, "match.mp4"):
        ...     print(f"{window.start:.2f} s: class {window.scores.argmax()}")
    """
    windows = Windows(model, pipeline, hop, stage)
    return score_windows(windows, os.fspath(path), skip, to_end)


def score_windows(
    windows: Windows, path: str, skip: int = 0, to_end: bool = False
) -> Iterator[Window]:
    """:func:`score_video` with windows that are built, and have seen nothing yet."""
    model, pieces, hop = windows.model, windows.pieces, windows.hop
    with pieces.open(path) as media:
        start, end = media.extent
        has_video = media.has_video
    count = window_count((start, end), pieces.duration, hop / pieces.fps)
    if count and to_end:
        count = windows.count_to_end(end - start)
    if count == 0 and skip == 0:
        if windows.stage == "steps":
            fused, samples = fuse_clips(model, path, windows.pipeline)
            yield from windows.read(fused, [(start, end)], samples)
        else:
            whole = predict_video(model, path, pipeline=windows.pipeline)
            yield Window(start, end, whole.cpu())
    if skip >= count:
        return
    start += skip * hop / pieces.fps
    count -= skip
    frames = (count - 1) * hop + pieces.clip_len
    times = pieces.times(start, frames)
    crops, pushed, scored = 1, 0, 0
    with SequentialMedia(lambda: pieces.open(path), times) as media:
        while scored < count:
            if has_video and windows.visual and pushed < frames:
                piece = min(PIECE, frames - pushed)
                crops = windows.push(media, times[pushed : pushed + piece + 1])
                pushed += piece
            else:
                pushed = min(pushed + PIECE, frames)
            complete = (pushed - pieces.clip_len) // hop + 1
            if complete > scored:
                firsts = [window * hop for window in range(scored, complete)]
                yield from windows.score(media, firsts, start, crops)
                scored = complete
                windows.scorer.forget(scored * hop)
