# python tools/demo_tasks.py
# makes the data, work_dirs/demo_tasks/streams.pth, and trains this. By hand:
# mim train mmstconv stconvnet-lstm_demo-seen-rgb.py
# First stage: the RGB stream of `make demo` knows colour and motion, and nothing of
# shape. It learns all three as recognition, eight classes of clips of a second, before
# its steps are cached for the sentences.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/stconvnet_demo.py",
    "../../_base_/datasets/demo.py",
    "../../_base_/schedules/adamw_cosine.py",
]

from mmstconv.pipelines import change_steps

change_steps(_base_, modalities=["rgb"])
model = dict(
    streams=dict(_delete_=True, rgb=_base_.model.streams.rgb),
    cls_head=dict(dropout_ratio=0.2),
)

seen_root = "data/demo_captions"
train_dataloader = dict(
    dataset=dict(
        ann_file=f"{seen_root}/seen.txt",
        data_prefix=dict(video=f"{seen_root}/seen"),
        metainfo=dict(classes=f"{seen_root}/classes.txt"),
    )
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None

optim_wrapper = dict(optimizer=dict(lr=4e-3), clip_grad=dict(max_norm=1.0))
load_from = "work_dirs/demo_tasks/streams.pth"
train_cfg = dict(max_epochs=16)
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=1, save_best=None))
randomness = dict(seed=0)
