# Forecasting of frames: AdamW with warm-up and half a cosine (adamw_cosine.py) and
# clipped gradients.
_base_ = ["./adamw_cosine.py"]

optim_wrapper = dict(
    optimizer=dict(lr=2e-3, weight_decay=0.01), clip_grad=dict(max_norm=1.0)
)
auto_scale_lr = dict(base_batch_size=16)
