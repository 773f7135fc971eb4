# mim train mmstconv frame-mixer_1xb16-10to10f-200e_moving-mnist-rgb-flow.py
# Trains on scikit-learn's digits, is validated on others of them, and tested on
# data/moving_mnist/mnist_test_seq.npy: see configs/_base_/datasets/moving_mnist.py.
_base_ = [
    "../../_base_/default_runtime.py",
    "../../_base_/models/frame_mixer.py",
    "../../_base_/datasets/moving_mnist.py",
    "../../_base_/schedules/frames_adamw.py",
]

model = dict(
    network=dict(seen=10, future=10, channels=1, conditions=dict(_delete_=True)),
    losses=[dict(type="FrameMSELoss")],  # what tables compare
)
train_cfg = dict(max_epochs=200, val_interval=10)
default_hooks = dict(checkpoint=dict(save_best="frames/psnr_range1", rule="greater"))
