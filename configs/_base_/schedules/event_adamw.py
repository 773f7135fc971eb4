# Heads on cached steps: AdamW with half a cosine (adamw_cosine.py), gradients clipped,
# and a rate for a few hundred short steps. With ema_runtime.py the averaged weights are
# what is validated and saved.
_base_ = ["./adamw_cosine.py"]

optim_wrapper = dict(optimizer=dict(lr=2e-3), clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_epochs=40, val_interval=10)
auto_scale_lr = dict(base_batch_size=8)
