# AdamW, two epochs of warm-up, then half a cosine to the last epoch: another length is
# one line, train_cfg = dict(max_epochs=60). No decay of norms and biases (those of an
# LSTM are called bias_ih_l0 and so on).
optim_wrapper = dict(
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={".bias": dict(decay_mult=0.0)}
    ),
)
# The second one ends with the training: it names neither `end` nor `T_max`.
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=2,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=2,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type="ResumableTrainLoop", max_epochs=50, val_interval=5)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
auto_scale_lr = dict(enable=False, base_batch_size=32)
