"""What MMAction2's visualisation lacks: video files without moviepy 1, a run's curves
where they cannot be written."""

from ..compat import repair_video_output
from .scalars import write_scalars_if_possible

repair_video_output()
write_scalars_if_possible()
