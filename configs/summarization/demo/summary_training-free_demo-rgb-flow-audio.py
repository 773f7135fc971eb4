# mim test mmstconv summary_training-free_demo-rgb-flow-audio.py --checkpoint CHECKPOINT
# No head to train: any recognizer's checkpoint of these streams will do.
_base_ = ["./summary_demo-rgb-flow-audio.py"]

model = dict(
    modality_dropout=None,
    cls_head=dict(_delete_=True, type="TrainingFreeSummaryHead", score_subsets=True),
)
