# mim train mmstconv frame-mixer_own-videos-rgb-flow-audio.py
# Your own videos below data/videos/train and data/videos/val, in colour, with sound
# where they have some. Then:
# python -m mmstconv test CONFIG work_dirs/CONFIG/best_frames_psnr_range1_epoch_N.pth
# python -m mmstconv predict-frames FILE --at 12.0 --config CONFIG --checkpoint BEST
# What that reached on real clips: docs/prediction.md.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/frame_mixer.py",
    "../../_base_/datasets/own_frames.py",
    "../../_base_/schedules/frames_adamw.py",
]

train_cfg = dict(max_epochs=20, val_interval=5)
default_hooks = dict(checkpoint=dict(save_best="frames/psnr_range1", rule="greater"))
