# Fine-tuning with the source article's optimiser and step decay (adam_step.py), in
# fewer epochs; the pretrained backbones learn at a tenth of the rate.
_base_ = ["./adam_step.py"]

optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            "streams.rgb.backbone": dict(lr_mult=0.1),
            "streams.flow.backbone": dict(lr_mult=0.1),
        }
    )
)
param_scheduler = [
    dict(type="MultiStepLR", by_epoch=True, milestones=[15, 25], gamma=0.1)
]
train_cfg = dict(max_epochs=30, val_interval=3)
auto_scale_lr = dict(base_batch_size=16)
