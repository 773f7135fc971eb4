# A folder of videos of one's own at 168 x 168, flow at a third of it.
_base_ = ["./own_videos.py"]

from mmstconv.pipelines import change_steps, frames_at

change_steps(_base_, flow=dict(shrink=3, bound=10.0), **frames_at(168))
