# mim train mmstconv frame-mixer_1xb16-10to20f-100e_kth-rgb-flow.py
# 10 frames seen, 20 to come: two rounds of a network that forecasts 10. In the first
# epochs the second round goes on from the true frames, later from the forecast.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/frame_mixer.py",
    "../../_base_/datasets/kth.py",
    "../../_base_/schedules/frames_adamw.py",
]

model = dict(
    network=dict(seen=10, future=10, channels=1, conditions=dict(_delete_=True)),
    own_predictions=(1000, 4000),
)
train_cfg = dict(max_epochs=100, val_interval=10)
default_hooks = dict(checkpoint=dict(save_best="frames/psnr_range1", rule="greater"))
