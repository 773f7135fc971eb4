# UCF101, split 1, without sound: 32 frames at 25 a second, 224 x 224. I3D and S3D were
# trained on 64 such frames; 32 fit on one GPU.
_base_ = ["./ucf101_split1_rgb_flow_112.py"]

from mmstconv.pipelines import change_steps, frames_at

change_steps(_base_, clip=dict(clip_len=32, fps=25), **frames_at(224, colours=False))
test_dataloader = dict(batch_size=1)
