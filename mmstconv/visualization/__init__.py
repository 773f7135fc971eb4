"""What MMAction2's visualisation lacks: video files without moviepy 1, a run that goes
on where its curves cannot be written, images that replace no others."""

from ..compat import repair_video_output
from .frames import write_frames_over_own_alone
from .scalars import write_scalars_if_possible

write_frames_over_own_alone()
repair_video_output()
write_scalars_if_possible()
