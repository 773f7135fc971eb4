"""TVSum and SumMe in the HDF5 layout that the field passes on.

A group for each video: ``features (n_steps, D)``, ``gtscore (n_steps,)``,
``user_summary (users, n_frames)``, ``change_points (segments, 2)`` with both ends
included, ``n_frame_per_seg``, ``n_frames``, ``picks (n_steps,)``, ``n_steps``,
``gtsummary (n_steps,)`` and, of SumMe, ``video_name``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ...disk import own_file
from ..annotation import AnnotationError

NEEDED = ("gtscore", "user_summary", "change_points", "n_frames", "picks")


class RatedVideo(NamedTuple):
    """A group of the file.

    Args:
        gtscore: Importance of each picked frame in 0..1, float32 ``(n_steps,)``.
        user_summary: What each user chose, bool ``(users, n_frames)``.
        change_points: First and last frame of each shot, ``(segments, 2)``.
        n_frames: As the file says, which a decoder need not give.
        picks: The picked frames, ``(n_steps,)``.
        features: Of each picked frame, float32 ``(n_steps, D)``, or None.
        name: ``video_name``, or None.
    """

    gtscore: np.ndarray
    user_summary: np.ndarray
    change_points: np.ndarray
    n_frames: int
    picks: np.ndarray
    features: np.ndarray | None = None
    name: str | None = None


def read_hdf5(
    path: str | os.PathLike, keys: Iterable[str] | None = None
) -> dict[str, RatedVideo]:
    """Reads a file strictly.

    Args:
        path: Of the file.
        keys: Of the videos that are wanted; None: all.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is no such file, or videos in it cannot be used; lists all
            mistakes.
        ImportError: ``h5py`` is not installed.
    """
    h5py = _h5py()
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path} does not exist")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise AnnotationError(
            [f"{path} is no HDF5 file, or broken: {error}"]
        ) from error
    videos, mistakes = {}, []
    with file:
        for key in sorted(file) if keys is None else keys:
            where = f"{path}:{key}"
            if key not in file or not isinstance(file[key], h5py.Group):
                mistakes.append(f"{where}: there is no such group")
                continue
            missing = [name for name in NEEDED if name not in file[key]]
            if missing:
                mistakes.append(f"{where}: has no {', '.join(missing)}")
                continue
            video = _read(file[key])
            wrong = problems(video)
            mistakes += [f"{where}: {what}" for what in wrong]
            videos[key] = video
    if mistakes:
        raise AnnotationError(mistakes)
    return videos


def write_hdf5(path: str | os.PathLike, videos: Mapping[str, RatedVideo]) -> None:
    """Writes a file whole or not at all; one of somebody else's is never replaced.

    Raises:
        AnnotationError: A video is not as :func:`read_hdf5` wants it; lists all
            mistakes.
        ForeignFile: There is a file that was not written here.
    """
    h5py = _h5py()
    mistakes = [f"{k}: {what}" for k, one in videos.items() for what in problems(one)]
    if mistakes:
        raise AnnotationError(mistakes)
    with own_file(path) as part, h5py.File(part, "w") as file:
        for key, video in videos.items():
            group = file.create_group(key)
            lengths = np.diff(video.change_points, axis=1)[:, 0] + 1
            chosen = video.user_summary.mean(axis=0) > 0.5
            picked = np.minimum(video.picks, video.n_frames - 1)
            fields = dict(
                gtscore=video.gtscore.astype(np.float32),
                user_summary=video.user_summary.astype(np.float32),
                change_points=video.change_points,
                n_frame_per_seg=lengths,
                n_frames=video.n_frames,
                picks=video.picks,
                n_steps=len(video.picks),
                gtsummary=chosen[picked].astype(np.float32),
            )
            if video.features is not None:
                fields["features"] = video.features.astype(np.float32)
            for name, value in fields.items():
                group[name] = value
            if video.name is not None:
                group["video_name"] = video.name


def problems(video: RatedVideo) -> list[str]:
    """What does not fit together in a video."""
    found = []
    steps, users, shots = len(video.picks), video.user_summary, video.change_points
    if video.gtscore.shape != (steps,):
        found.append(f"gtscore has the shape {video.gtscore.shape}, picks has {steps}")
    elif not np.isfinite(video.gtscore).all():
        found.append("gtscore has values that are not finite")
    if video.features is not None and (
        video.features.ndim != 2 or len(video.features) != steps
    ):
        shape = video.features.shape
        found.append(f"features has the shape {shape}, expected ({steps}, D)")
    if not steps or (np.diff(video.picks) <= 0).any():
        found.append("picks do not rise")
    elif video.picks[0] < 0 or video.picks[-1] > video.n_frames:
        found.append(
            f"picks reach from {video.picks[0]} to {video.picks[-1]}, but n_frames is "
            f"{video.n_frames}"
        )
    if users.ndim != 2 or users.shape[1] != video.n_frames:
        found.append(
            f"user_summary has the shape {users.shape}, expected (users, "
            f"{video.n_frames}), as n_frames says"
        )
    if shots.ndim != 2 or shots.shape[1] != 2 or not len(shots):
        found.append(f"change_points has the shape {shots.shape}, expected (shots, 2)")
        return found
    if (shots[:, 1] < shots[:, 0]).any():
        found.append("change_points: a shot ends before it begins")
    gaps = np.flatnonzero(shots[1:, 0] != shots[:-1, 1] + 1)
    if len(gaps):
        one = int(gaps[0])
        found.append(
            f"change_points: shot {one} ends with frame {shots[one, 1]} and shot "
            f"{one + 1} begins with {shots[one + 1, 0]}; both ends are included, so "
            f"expected {shots[one, 1] + 1}"
        )
    if shots[0, 0] != 0 or shots[-1, 1] >= video.n_frames:
        found.append(
            f"change_points reach from {shots[0, 0]} to {shots[-1, 1]}, expected from "
            f"0 to at most {video.n_frames - 1}"
        )
    return found


def _read(group) -> RatedVideo:
    features = group["features"][()] if "features" in group else None
    name = group["video_name"][()] if "video_name" in group else None
    if isinstance(name, bytes):
        name = name.decode("utf-8", "surrogateescape")
    return RatedVideo(
        np.asarray(group["gtscore"][()], np.float32),
        np.asarray(group["user_summary"][()]) > 0,
        np.asarray(group["change_points"][()], np.int64),
        int(np.asarray(group["n_frames"][()]).reshape(-1)[0]),
        np.asarray(group["picks"][()], np.int64),
        None if features is None else np.asarray(features, np.float32),
        None if name is None else str(name),
    )


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "TVSum and SumMe are read with h5py: pip install mmstconv[summaries]"
        ) from error
    return h5py
