"""What MMAction2's visualisation lacks: video files without moviepy 1."""

from ..compat import repair_video_output

repair_video_output()
