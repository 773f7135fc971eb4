# mim train mmstconv stconvnet_lstm_demo-audio.py
# Audio alone: the glide; at most 25 %. No frame is decoded.
_base_ = ["./stconvnet_lstm_demo-rgb-flow-audio.py"]

model = dict(
    streams=dict(_delete_=True, audio=_base_.model.streams.audio),
)

modalities = ["audio"]
pack = [
    dict(type="FormatClips", modalities=modalities),
    dict(
        type="PackActionInputs",
        collect_keys=modalities,
        meta_keys=_base_.meta_keys,
    ),
]
train_pipeline = [*_base_.train_clip, *_base_.audio, *pack]
test_pipeline = [*_base_.test_clip, *_base_.audio, *pack]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
