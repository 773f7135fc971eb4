# The source article's recipe: Adam, learning rate 1e-3 with step decay, L2
# regularisation (Adam's weight_decay is that). Batch 32 and dropout stand with the
# data and the head. The article does not clip gradients; where a loss runs away:
# --cfg-options optim_wrapper.clip_grad.max_norm=40
# fused: one kernel updates all parameters, and loss scaling waits for no device.
optim_wrapper = dict(
    optimizer=dict(type="Adam", lr=1e-3, weight_decay=5e-4, fused=True)
)
param_scheduler = [
    dict(type="MultiStepLR", by_epoch=True, milestones=[20, 40], gamma=0.1)
]
train_cfg = dict(type="ResumableTrainLoop", max_epochs=50, val_interval=5)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
auto_scale_lr = dict(enable=False, base_batch_size=32)
