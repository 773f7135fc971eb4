# UCF101, split 1, all extracted: no video is opened. Files as MMAction2 prepares them:
# extract_frames.sh of its tools/data/ucf101 writes img_00001.jpg,
# flow_x_00001.jpg and flow_y_00001.jpg of a video into one folder, and
# build_audio_features.py writes (time, 80) at 50 rows a second. What is not there is
# absent, sample by sample.
_base_ = ["./trimodal_112.py"]

data_root = "data/ucf101"
read = dict(type="OpenRawFrames", fps=25)
flow_images = dict(
    type="LoadFlowImages", directory=f"{data_root}/rawframes/{{parent}}/{{stem}}"
)
feature = dict(
    type="LoadClipAudioFeature",
    path=f"{data_root}/audio_features/{{parent}}/{{stem}}.npy",
    rate=50,
    absent_bands=80,
)
# Colours before the flow images, geometry behind them: it acts on both alike.
train_frames = [
    dict(type="LoadFrames", short_side=128),
    dict(type="ColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
    flow_images,
    dict(type="RandomResizedCrop", area_range=(0.4, 1.0)),
    dict(type="Resize", scale=(112, 112), keep_ratio=False),
    dict(type="Flip", flip_ratio=0.5),
]
test_frames = [
    dict(type="LoadFrames", short_side=128),
    flow_images,
    dict(type="CenterCrop", crop_size=112),
]
derive = [
    dict(type="SplitFlowImages", bound=20),
    feature,
    dict(type="FormatClips", modalities=_base_.modalities),
    dict(
        type="PackActionInputs",
        collect_keys=_base_.modalities,
        meta_keys=["filename", "presence"],
    ),
]
train_pipeline = [read, *_base_.train_clip[1:], *train_frames, *derive]
val_pipeline = [read, *_base_.val_clip[1:], *test_frames, *derive]
test_pipeline = [read, *_base_.test_clip[1:], *test_frames, *derive]

files = dict(
    type="MultiModalRawframeDataset",
    num_classes=101,
    data_prefix=dict(img=f"{data_root}/rawframes"),
)
train = dict(ann_file=f"{data_root}/ucf101_train_split_1_rawframes.txt", **files)
val = dict(ann_file=f"{data_root}/ucf101_val_split_1_rawframes.txt", **files)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **train))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline, **val))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline, **val))
