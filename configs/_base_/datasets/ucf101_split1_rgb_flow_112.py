# UCF101, split 1, without sound: 16 frames at 15 a second, 112 x 112, as torchvision's
# video networks were trained. Files as in ucf101_split1.py.
_base_ = ["./ucf101_split1.py"]

from mmstconv.pipelines import change_steps

change_steps(
    _base_,
    modalities=["rgb", "flow"],
    clip=dict(fps=15),
    flow=dict(bound=20),
)
train_dataloader = dict(batch_size=16)
val_dataloader = dict(batch_size=16)
