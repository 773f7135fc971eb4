# mim train mmstconv stconvnet_lstm_demo-rgb.py
# mim train mmstconv stconvnet_lstm_demo-flow.py
# mim train mmstconv stconvnet_lstm_demo-audio.py
# mim train mmstconv stconvnet_lstm_demo-rgb-flow-audio_pretrained.py
# Each stream first by itself, then all together: the last command starts from what the
# first three have written, and lets each stream learn at a rate of its own.
_base_ = ["../demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

runs = "work_dirs/stconvnet_lstm_demo"
own = dict(type="Pretrained")
start_rgb = dict(own, checkpoint=f"{runs}-rgb/epoch_36.pth", prefix="streams.rgb")
start_flow = dict(own, checkpoint=f"{runs}-flow/epoch_10.pth", prefix="streams.flow")
start_audio = dict(own, checkpoint=f"{runs}-audio/epoch_10.pth", prefix="streams.audio")
model = dict(
    streams=dict(
        rgb=dict(init_cfg=start_rgb),
        flow=dict(init_cfg=start_flow),
        audio=dict(init_cfg=start_audio),
    )
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            "streams.rgb": dict(lr_mult=0.1),
            "streams.flow": dict(lr_mult=0.1),
            "streams.audio": dict(lr_mult=0.3),
        }
    )
)
