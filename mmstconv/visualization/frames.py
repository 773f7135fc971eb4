"""Frames that are shown as image files."""

from __future__ import annotations

from pathlib import Path

from mmaction.visualization.video_backend import LocalVisBackend
from mmengine.visualization.vis_backend import force_init_env

from ..disk import own_file
from .frame_panels import as_png


def write_frames_over_own_alone() -> None:
    """Lets MMAction2's ``LocalVisBackend`` replace no image that it has not written.

    Same files; what else stands in the folder (``tools/test.py --show-dir``) stays.
    """
    other = LocalVisBackend.add_video

    @force_init_env
    def add_video(self, name, frames, step=0, fps=4, out_type="img", **kwargs):
        if out_type != "img":
            return other(self, name, frames, step, fps, out_type, **kwargs)
        folder = Path(self._save_dir, name, f"frames_{step}")
        folder.mkdir(parents=True, exist_ok=True)
        for index, frame in enumerate(frames):
            with own_file(folder / f"{index}.png") as part:
                part.write_bytes(as_png(frame))

    LocalVisBackend.add_video = add_video
