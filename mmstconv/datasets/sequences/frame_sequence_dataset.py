"""Windows of the videos of a folder, or of a list."""

from __future__ import annotations

import os

from mmaction.registry import DATASETS

from mmstconv.media.video_files import videos_below

from ...disk import FETCH_ADVICE, is_remote, public_name
from ..annotation import AnnotationError, clipped, listed, read_rows, row_problems
from ..missing_files import missing_files
from ..tolerant_dataset import TolerantDataset
from ..transforms.roles import fetchers_of, steps_of
from .windows import long_enough


@DATASETS.register_module()
class FrameSequenceDataset(TolerantDataset):
    """Windows of videos: frames to see and frames to forecast, from any folder.

    A sample is a window of a file. How long it is says ``SampleWindow`` in the
    pipeline, which in training chooses its begin anew each time; in ``test_mode`` it
    is ``window_start``, seconds of the file: ``windows`` of each file, in the middles
    of equal parts of it. ``SplitFuture`` behind it divides the window.

    Each file is opened once to learn its length. Files that are too short, have no
    pictures or cannot be opened are left out, and a warning names them. Files that turn
    out to be broken when they are read are met as in :class:`MultiModalVideoDataset`.

    Args:
        ann_file: List of files, a path a line; a label behind it is not looked at.
            Empty: all videos below the folder.
        data_prefix: ``dict(video=folder)``.
        windows: Samples of a file.
        allow_outside: Whether the list may name files outside of the folder.
        **kwargs: Of MMEngine's ``BaseDataset``: ``pipeline``, ``test_mode``.

    Raises:
        AnnotationError: The list has lines that cannot be used; all are named.
        FileNotFoundError: There is no such folder or list, or files do not exist.
        ValueError: The folder has no videos, none is long enough, or the pipeline has
            no ``SampleWindow``.
    """

    def __init__(
        self,
        ann_file: str = "",
        data_prefix: dict | None = None,
        *,
        windows: int = 1,
        allow_outside: bool = False,
        **kwargs,
    ) -> None:
        if isinstance(windows, bool) or not isinstance(windows, int) or windows < 1:
            raise ValueError(f"windows must be a positive integer, got {windows!r}")
        self.windows = windows
        self.allow_outside = allow_outside
        prefix = dict(data_prefix or dict(video=""))
        super().__init__(ann_file=ann_file, data_prefix=prefix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Finds the files, and where their windows are."""
        folder = self.data_prefix.get("video") or ""
        fetchers = fetchers_of(self)
        if is_remote(folder):
            named = f"data_prefix['video'] = {public_name(folder)!r}"
            if not fetchers:
                raise ValueError(f"{named} {FETCH_ADVICE}")
            if not self.ann_file:
                raise ValueError(
                    f"{named}: folders elsewhere are not listed; name the videos in a "
                    "list, ann_file=..."
                )
        paths = self.files(folder)
        for step in fetchers:
            step.check_names(paths)
        store = fetchers[0].store if fetchers else None
        seconds = self.window_seconds()
        data = []
        for stretch in long_enough(paths, seconds, type(self).__name__, store):
            for start in stretch.starts(seconds, self.windows):
                info = dict(filename=stretch.path)
                data.append(dict(info, window_start=start) if self.test_mode else info)
        return data

    def files(self, folder: str) -> list[str]:
        """Paths of the files, those of the list or all below the folder."""
        if self.ann_file:
            return self._listed(folder)
        if not os.path.isdir(folder or os.curdir):
            raise FileNotFoundError(
                f"{type(self).__name__}: the folder {folder} does not exist "
                "(data_prefix=dict(video=...))"
            )
        paths = [os.fspath(path) for path in videos_below(folder or os.curdir)]
        if not paths:
            raise ValueError(f"{type(self).__name__}: there are no videos in {folder}")
        return paths

    def window_seconds(self) -> float:
        """How long a window is, as the pipeline says."""
        for step in steps_of(self):
            if hasattr(step, "window_seconds"):
                return step.window_seconds
        raise ValueError(
            f"{type(self).__name__}: the pipeline must have SampleWindow(clip_len=..., "
            "fps=...), which says how long a window is"
        )

    def get_data_info(self, idx: int) -> dict:
        """A sample's information; MMAction2's transforms ask for some of it."""
        info = super().get_data_info(idx)
        info.update(modality="RGB", start_index=0, label=-1)
        return info

    def _listed(self, folder: str) -> list[str]:
        rows = read_rows(self.ann_file)
        root = None if self.allow_outside else folder or None
        wrong = row_problems(rows, None, root, fetched=bool(fetchers_of(self)))
        if wrong:
            raise AnnotationError(
                [f"{self.ann_file}:{n}: {one}" for n, r in wrong.items() for one in r]
            )
        paths = [
            row.name if is_remote(row.name) else os.path.join(folder, row.name)
            for row in rows
        ]
        missing = missing_files(path for path in paths if not is_remote(path))
        if missing:
            lines = [
                f"{self.ann_file}:{row.number}: {clipped(path)} does not exist"
                for row, path in zip(rows, paths)
                if path in missing
            ]
            raise FileNotFoundError(
                f"{len(lines)} of {len(rows)} videos not found\n" + listed(lines)
            )
        return list(dict.fromkeys(paths))
