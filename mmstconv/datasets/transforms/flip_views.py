"""Each clip as it is and mirrored, for testing."""

from __future__ import annotations

import mmcv
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .roles import Role
from .stock import clips_of_frames


@TRANSFORMS.register_module()
class FlipViews(BaseTransform):
    """Adds the mirrored frames of every clip, as further crops.

    The head then averages over the views as it does over clips and over the crops of
    MMAction2's ``ThreeCrop``, before or after which this comes. Flow that is computed
    from the frames afterwards is that of the mirrored ones. ``FormatClips`` repeats the
    sound.

    Required Keys:

        - imgs: of any number of clips
        - clip_len

    Modified Keys:

        - imgs: twice as many, the mirrored ones behind

    Added Keys:

        - warped: True

    Raises:
        ValueError: There are extracted flow images, whose vectors would stay.
    """

    role = Role()

    def transform(self, results: dict) -> dict:
        frames = [frame for clip in clips_of_frames(results, self) for frame in clip]
        results["imgs"] = [*frames, *(mmcv.imflip(frame) for frame in frames)]
        results["warped"] = True
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
