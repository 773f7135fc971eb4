# Fine-tuning: SGD, three epochs of warm-up, half a cosine. The pretrained backbones
# learn at a tenth of the rate of the new neck and head.
optim_wrapper = dict(
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=40, norm_type=2),
    paramwise_cfg=dict(
        custom_keys={
            "streams.rgb.backbone": dict(lr_mult=0.1),
            "streams.flow.backbone": dict(lr_mult=0.1),
        }
    ),
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=0.1,
        by_epoch=True,
        begin=0,
        end=3,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=27,
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=3,
        end=30,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(type="ResumableTrainLoop", max_epochs=30, val_interval=3)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
auto_scale_lr = dict(enable=False, base_batch_size=16)
