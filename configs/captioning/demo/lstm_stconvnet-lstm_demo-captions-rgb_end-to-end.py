# mim train mmstconv lstm_stconvnet-lstm_demo-captions-rgb_end-to-end.py
# The RGB stream of `make demo` knows colour and motion, nothing of shape: before its
# steps are cached it learns that from sentences, end to end, on clips of motions that
# are decoded anew each time. seen.csv says when they are and what is seen of them.
_base_ = ["./lstm_stconvnet-lstm_demo-captions-rgb-flow-audio.py"]

from mmstconv.pipelines import changed_steps, pipelines

clips = dict(
    modalities=["rgb"],
    clip=dict(clip_len=6),  # of 8 a second: a motion
    pack=dict(algorithm_keys=["gt_captions"]),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(
    changed_steps(_base_.steps, clips)
)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    dataset=dict(ann_file=f"{_base_.caption_root}/seen.csv", pipeline=train_pipeline),
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

model = dict(
    cached_steps=False,
    modality_dropout=None,
    streams=dict(_delete_=True, rgb=_base_.model.streams.rgb),
    cls_head=dict(needs=None),
)
train_cfg = dict(max_epochs=30)
