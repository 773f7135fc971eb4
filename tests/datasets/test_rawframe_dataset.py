"""Everything extracted, no video at all: lists, folders of images, a whole run."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT, plain_config
from helpers_extracted import CLASS, point_at, write_extracted, write_list
from helpers_media import coded_frame, numbers
from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.apis import load_recognizer, predict_video
from mmstconv.datasets import AnnotationError, MultiModalRawframeDataset, OpenRawFrames
from mmstconv.media import ImageFolderReader, MediaLimitError, UnreadableMediaError

CONFIG = (
    ROOT / "configs/recognition/extracted"
    "/stlite_lstm_1xb32-16f-50e_ucf101-split1-extracted-rgb-flow-audio.py"
)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmaction")


@pytest.fixture
def images(tmp_path):
    return write_extracted(tmp_path, "a", 30, flow=False, sound=False, suffix="png")


def reader(images, **kwargs):
    return ImageFolderReader(images, 25, "img_{:05}.png", **kwargs)


def test_a_folder_is_a_video(images):
    media = reader(images)
    assert media.extent == (0, 30 / 25) and media.info.fps == 25
    assert media.stored_size == (128, 96) and not media.has_audio
    times = np.array([0.0, 0.039, 0.04, 0.5, 1.19, 7.0, 0.5])
    frames = media.frames_at(times)
    assert numbers(frames) == [0, 0, 1, 12, 29, 29, 12]
    assert np.array_equal(frames[3], coded_frame(12))
    frames[3][:] = 0
    assert frames[6].any(), "each frame has its own memory"
    assert media.frames_at([0.0], 48)[0].shape == (48, 64, 3)
    assert not media.waveform(0, 0.1, 100).any() and media.damage == ()


def test_numbers_and_how_many(images, tmp_path):
    zero = write_extracted(tmp_path, "b", 5, first=0, suffix="png")
    assert numbers(reader(zero).frames_at(np.arange(5) / 25)) == list(range(5))
    assert reader(images, count=10).extent[1] == 10 / 25
    assert numbers(reader(images, first=21).frames_at([0.0, 9.0])) == [20, 29]
    for name in ("img_x.png", "image_00001.png", "img_00001.txt"):
        (images / name).write_text("")
    assert reader(images).count == 30


def test_images_that_are_missing_or_broken(images):
    """The one before stands in, the next where there is none before."""
    (images / "img_00001.png").unlink()
    (images / "img_00011.png").unlink()
    (images / "img_00012.png").write_bytes(b"no image")
    media = reader(images, count=32)
    times = np.array([0, 9, 10, 11, 12, 31]) / 25
    assert numbers(media.frames_at(times)) == [1, 9, 9, 9, 12, 29]
    assert set(media.damage) == {
        "4 of its 32 images are missing",
        "img_00012.png is not a readable image",
    }
    for path in images.iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="a: has no image that can be read"):
        reader(images).frames_at([0.0])
    with pytest.raises(UnreadableMediaError, match=r"has no images named x_\{\}"):
        ImageFolderReader(images, 25, "x_{}.png")
    with pytest.raises(FileNotFoundError, match="folder of frames not found"):
        reader(images / "nowhere")


def test_other_images(images):
    """16 bits, another size, more pixels than allowed."""
    frame = coded_frame(3)[..., ::-1]
    cv2.imwrite(str(images / "img_00004.png"), frame.astype(np.uint16) * 256)
    cv2.imwrite(str(images / "img_00006.png"), cv2.resize(coded_frame(5), (64, 48)))
    media = reader(images)
    third, fifth = media.frames_at([3 / 25, 5 / 25])
    assert np.array_equal(third, coded_frame(3))
    assert fifth.shape == (96, 128, 3)
    assert media.damage == ("its images are of several sizes",)
    limits = dict(max_pixels=128 * 96 - 1)
    step = OpenRawFrames(fps=25, template="img_{:05}.png", limits=limits)
    with pytest.raises(MediaLimitError, match=r"img_00001\.png: has 12288 pixels"):
        step(dict(filename=str(images)))


def test_wrong_arguments():
    for template in ("img.jpg", "img_{index}.jpg", "img_{:05}_{:05}.jpg", 5):
        with pytest.raises(ValueError, match="template must have one field"):
            OpenRawFrames(fps=25, template=template)
    with pytest.raises(ValueError, match="fps must be a positive number"):
        OpenRawFrames(fps=0)


def test_lazy_crops_of_images(images):
    """As of videos: chosen first, then no more than that is scaled."""
    steps = [
        dict(type="OpenRawFrames", fps=25, template="img_{:05}.png"),
        dict(type="SampleClips", clip_len=2, fps=25, test_mode=True),
        dict(type="CenterCrop", crop_size=64, lazy=True),
        dict(type="Flip", flip_ratio=1.0, lazy=True),
        dict(type="LoadFrames"),
    ]
    results = dict(filename=str(images), modality="RGB", label=0)
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    first = round(results["frame_times"][0, 0] * 25 - 0.5)
    whole = coded_frame(first)[16:80, 32:96][:, ::-1]
    shown = [np.abs(image.astype(int) - whole).mean() for image in results["imgs"]]
    assert min(shown) == 0


def dataset(tmp_path, text, **kwargs):
    (tmp_path / "list.txt").write_text(text)
    kwargs.setdefault("pipeline", [])
    prefix = dict(img=str(tmp_path / "rawframes" / CLASS))
    return MultiModalRawframeDataset(
        str(tmp_path / "list.txt"), data_prefix=prefix, **kwargs
    )


def test_lists(tmp_path):
    for name in ("a", "b", "with space"):
        write_extracted(tmp_path, name, 2)
    data = dataset(tmp_path, "a 2 0\nwith space\t2  1\nb 7 3\n")
    infos = [data.get_data_info(k) for k in range(3)]
    assert [info["total_frames"] for info in infos] == [2, 2, 7]
    assert [info["label"] for info in infos] == [0, 1, 3]
    assert infos[1]["filename"].endswith("clips/with space")
    assert [data.get_cat_ids(k) for k in range(3)] == [[0], [1], [3]]
    short = dataset(tmp_path, "a 0\nb 1\n")
    assert "total_frames" not in short.get_data_info(0)
    several = dict(multi_class=True, num_classes=4)
    data = dataset(tmp_path, "a 2 0 3\nb 7 1\n", **several)
    assert data.get_data_info(0)["label"].tolist() == [1, 0, 0, 1]
    assert data.get_data_info(1)["total_frames"] == 7
    with pytest.raises(FileNotFoundError, match=r"list.txt:2: .*gone does not exist"):
        dataset(tmp_path, "a 2 0\ngone 2 1\n")
    with pytest.raises(AnnotationError, match=r"list.txt:1: label 9 is outside"):
        dataset(tmp_path, "a 2 9\n", num_classes=2)
    with pytest.raises(AnnotationError, match=r"list.txt:1: has no number of frames"):
        dataset(tmp_path, "a\n", **several)


def test_nothing_extracted_anywhere_is_a_wrong_path(tmp_path):
    """Said when the data set is built, before training; some is enough."""
    write_extracted(tmp_path, "a", 4)
    write_extracted(tmp_path, "b", 4, flow=False, sound=False)
    folder = str(tmp_path / "rawframes/{parent}/{stem}")
    sound = str(tmp_path / "audio_features/{parent}/{stem}.npy")
    flow = dict(type="LoadFlowImages", directory=folder)
    feature = dict(type="LoadClipAudioFeature", path=sound, rate=50, absent_bands=80)
    both = "b 4 0\na 4 1\n"
    assert len(dataset(tmp_path, both, pipeline=[flow, feature])) == 2
    wrong = (
        (dict(flow, directory=f"{folder}x"), "LoadFlowImages finds nothing for any"),
        (dict(flow, template="x_{axis}{index}.png"), "LoadFlowImages finds nothing"),
        (dict(feature, path=f"{sound}x"), "LoadClipAudioFeature finds nothing for any"),
    )
    for step, message in wrong:
        with pytest.raises(FileNotFoundError, match=message) as error:
            dataset(tmp_path, both, pipeline=[step])
        assert "of the 2 samples; the first would be at" in str(error.value)
        assert str(tmp_path) in str(error.value)
    with pytest.raises(FileNotFoundError, match="any of the 1 samples"):
        dataset(tmp_path, "b 4 0\n", pipeline=[feature])
    with pytest.raises(ValueError, match=r"has 80 bands, .* set absent_bands=80"):
        dataset(tmp_path, both, pipeline=[dict(feature, absent_bands=64)])
    unchecked = [dict(feature, path=f"{sound}x")]
    assert len(dataset(tmp_path, both, pipeline=unchecked, check_files=False)) == 2


def test_frames_flow_and_sound_are_of_the_same_time(tmp_path):
    """Also behind MMAction2's own RawframeDataset, and with dots in names."""
    write_extracted(tmp_path, "v.1", 40, size=(128, 128), suffix="png")
    write_list(tmp_path, {"v.1": 40})
    cfg = Config.fromfile(CONFIG)
    point_at(cfg, tmp_path, tmp_path / "list.txt")
    steps = cfg.val_dataloader.dataset.pipeline
    steps[0].template = "img_{:05}.png"
    flow = next(step for step in steps if step.type == "LoadFlowImages")
    flow.template = "flow_{axis}_{index:05d}.png"
    clip = next(step for step in steps if step.type == "SampleClips")
    clip.update(clip_len=4, fps=25)
    for kind in ("MultiModalRawframeDataset", "RawframeDataset"):
        data = cfg.val_dataloader.dataset.copy()
        data.type = kind
        if kind == "RawframeDataset":
            data.update(filename_tmpl="img_{:05}.png", start_index=1)
        packed = DATASETS.build(data)[0]
        inputs, sample = packed["inputs"], packed["data_samples"]
        assert sample.presence == dict(rgb=True, flow=True, audio=True)
        assert sample.filename.endswith("v.1")
        levels = np.rint(inputs["flow"][0, 0, :, 5, 5].numpy() * 255 / 40).astype(int)
        assert levels.tolist() == list(range(levels[0], levels[0] + 4)), kind
        row = inputs["audio"][0, 0, 0].item() * 80
        assert abs(row - 2 * levels[0]) <= 2, kind  # 50 rows, 25 frames a second


def small(cfg, work_dir):
    cfg.work_dir = str(work_dir)
    cfg.log_level = "WARNING"
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
    pipelines = [cfg[f"{split}_dataloader"].dataset.pipeline
                 for split in ("train", "val", "test")]  # fmt: skip
    for step in (step for steps in [*pipelines, cfg.test_pipeline] for step in steps):
        if step.type == "SampleClips":
            step.update(clip_len=4, num_clips=1)
        if step.type == "Resize":
            step.scale = (48, 48)
        if step.get("crop_size"):
            step.crop_size = 48
        if step.get("short_side"):
            step.short_side = 48
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.checkpoint.update(save_optimizer=False)
    cfg.default_hooks.checkpoint.update(save_best=None)
    return cfg


def test_a_whole_run_without_a_video(tmp_path):
    """Train, validate, test and predict; one sample lacks sound, one flow."""
    counts = {"a": 40, "b": 30, "c": 35, "d": 40}
    for name, count in counts.items():
        write_extracted(tmp_path, name, count, flow=name != "c", sound=name != "b")
    (tmp_path / "audio_features/clips/d.npy").write_bytes(b"broken")
    cfg = plain_config(CONFIG)
    point_at(cfg, tmp_path, write_list(tmp_path, counts))
    path = tmp_path / "small.py"
    small(cfg, tmp_path / "run").dump(path)
    runner = Runner.from_cfg(plain_config(path))
    runner.train()
    metrics = runner.test()
    assert metrics["bad_samples"] == 0 and 0 <= metrics["acc/top1"] <= 1
    log = "".join(one.read_text() for one in (tmp_path / "run").rglob("*.log"))
    assert "damaged file used" in log and "d.npy: is not a readable array" in log
    assert not list(tmp_path.rglob("*.mp4"))

    weights = tmp_path / "run" / "epoch_1.pth"
    model = load_recognizer(str(path), str(weights), device="cpu")
    for name, lacks in dict(a=None, b="audio", c="flow", d="audio").items():
        sample = predict_video(model, tmp_path / "rawframes" / CLASS / name)
        presence = sample.metainfo["presence"]
        assert [key for key, here in presence.items() if not here] == (
            [lacks] if lacks else []
        )
        assert torch.isfinite(sample.pred_score).all()
        assert ("damage" in sample.metainfo) == (name == "d")
