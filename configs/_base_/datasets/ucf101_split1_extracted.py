# UCF101, split 1, all extracted: no video is opened. Files as MMAction2 prepares them:
# extract_frames.sh of its tools/data/ucf101 writes img_00001.jpg,
# flow_x_00001.jpg and flow_y_00001.jpg of a video into one folder, and
# build_audio_features.py writes (time, 80) at 50 rows a second. What is not there is
# absent, sample by sample.
_base_ = ["./trimodal_112.py"]

from mmstconv.pipelines import change_steps

data_root = "data/ucf101"
load = dict(type="LoadFrames", short_side=128)
flow_images = dict(
    type="LoadFlowImages", directory=f"{data_root}/rawframes/{{parent}}/{{stem}}"
)
change_steps(
    _base_,
    open=dict(type="OpenRawFrames", fps=25),
    frames=[load, flow_images, dict(type="CenterCrop", crop_size=112)],
    sound=None,
    flow=dict(type="SplitFlowImages", bound=20),
    audio=dict(
        type="LoadClipAudioFeature",
        path=f"{data_root}/audio_features/{{parent}}/{{stem}}.npy",
        rate=50,
        absent_bands=80,
    ),
    needs=dict(audio=["audio"]),
    # Colours before the flow images, geometry behind them: it acts on both alike.
    train=dict(
        frames=[
            load,
            _base_.steps.train.frames[-1],  # colours
            flow_images,
            dict(type="RandomResizedCrop", area_range=(0.4, 1.0)),
            dict(type="Resize", scale=(112, 112), keep_ratio=False),
            dict(type="Flip", flip_ratio=0.5),
        ]
    ),
)

files = dict(
    type="MultiModalRawframeDataset",
    num_classes=101,
    data_prefix=dict(img=f"{data_root}/rawframes"),
)
train = dict(ann_file=f"{data_root}/ucf101_train_split_1_rawframes.txt", **files)
val = dict(ann_file=f"{data_root}/ucf101_val_split_1_rawframes.txt", **files)
train_dataloader = dict(dataset=train)
val_dataloader = dict(dataset=val)
test_dataloader = dict(dataset=val)
