# In place of default_runtime.py: the weights averaged over training, running statistics
# too, are validated and saved as the model's. The average reaches back over a tenth of
# the steps, up to 500: momentum = max(0.002, 10 / (10 + steps)).
_base_ = ["./default_runtime.py"]

default_hooks = dict(
    ema=dict(
        type="EMAHook",
        ema_type="MomentumAnnealingEMA",
        momentum=0.002,
        gamma=10,
        update_buffers=True,
    )
)
