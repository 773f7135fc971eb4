# Moving MNIST: 10 frames seen, 10 to come, 64 x 64 grey. Tested on the published file
# data/moving_mnist/mnist_test_seq.npy as it is. Trained on sequences drawn on the fly,
# of scikit-learn's digits and not of MNIST's: figures are not those of published
# tables, whose training digits are MNIST's.
_base_ = []  # first: MMEngine then lets a config import something

from mmstconv.cores import loader_workers
from mmstconv.pipelines import pipelines

seen, future = 10, 10

steps = dict(
    frames=dict(type="LoadFrameArray", clip_len=seen + future),
    split=dict(type="SplitFuture", seen=seen, future=future, grey=True),
    flow=dict(type="ComputeFlow", method="dis"),
    format=dict(type="FormatClips"),
    pack=dict(
        type="PackActionInputs",
        algorithm_keys=["gt_frames"],
        meta_keys=["filename", "presence", "clip_starts", "clip_duration"],
    ),
    modalities=["rgb", "flow"],
    needs=dict(rgb=["frames"], flow=["frames", "flow"]),
)
train_pipeline, val_pipeline, test_pipeline = pipelines(steps)

train_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="ResumableSampler", shuffle=True),
    dataset=dict(type="MovingDigitsDataset", count=10000, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="MovingDigitsDataset", count=1000, pipeline=val_pipeline, test_mode=True
    ),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=loader_workers(),
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="MovingMNISTDataset",
        ann_file="data/moving_mnist/mnist_test_seq.npy",
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
val_evaluator = dict(type="FrameMetric")
test_evaluator = dict(type="FrameMetric", baselines=True)
