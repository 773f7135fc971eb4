# mim train mmstconv stconvnet_lstm_demo-rgb.py
# RGB alone: colour, and motion through 3D convolution; at most 50 %.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    streams=dict(_delete_=True, rgb=_base_.model.streams.rgb),
)

modalities = ["rgb"]
pack = [
    dict(type="FormatClips", modalities=modalities),
    dict(
        type="PackActionInputs",
        collect_keys=modalities,
        meta_keys=_base_.meta_keys,
    ),
]
train_pipeline = [*_base_.train_clip, *_base_.train_frames, *pack]
test_pipeline = [*_base_.test_clip, *_base_.frames, *pack]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# Motion is learnt late from frames alone: more and smaller steps.
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[30], gamma=0.1)]
train_cfg = dict(max_epochs=36, val_interval=12)
