# The demo's streams (stconvnet_demo.py) with a head for the events of its untrimmed
# videos, on cached steps. In training each modality is left out of three samples in
# ten, so that every subset of them has its own answer.
_base_ = ["./stconvnet_demo.py"]

model = dict(
    cached_steps=True,
    modality_dropout=dict(rgb=0.3, flow=0.3, audio=0.3),
    cls_head=dict(
        _delete_=True,
        type="TemporalEventHead",
        num_classes=8,
        score_subsets=True,
    ),
)
