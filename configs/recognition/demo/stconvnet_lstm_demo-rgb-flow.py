# mim train mmstconv stconvnet_lstm_demo-rgb-flow.py
# The classic two streams: colour and motion, not the glide; at most 50 %.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    streams=dict(
        _delete_=True, rgb=_base_.model.streams.rgb, flow=_base_.model.streams.flow
    ),
)

modalities = ["rgb", "flow"]
pack = [
    dict(type="FormatClips", modalities=modalities),
    dict(
        type="PackActionInputs",
        collect_keys=modalities,
        meta_keys=_base_.meta_keys,
    ),
]
train_pipeline = [*_base_.train_clip, *_base_.train_frames, *_base_.flow, *pack]
test_pipeline = [*_base_.test_clip, *_base_.frames, *_base_.flow, *pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
