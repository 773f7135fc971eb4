"""Models that give features: MMAction2's recognizers, published weights, configs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from apis.test_long_video import make_model
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import extract_features, load_feature_model
from mmstconv.apis.features import FUSED, join_rows
from mmstconv.checkpoints.packages import read_packaged
from mmstconv.media import open_media

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
SIZES = [dict(type="Resize", scale=(-1, 40)), dict(type="CenterCrop", crop_size=32)]
NORM = dict(type="ActionDataPreprocessor", mean=MEAN, std=STD)
BASE = dict(depth=50, base_channels=4, pretrained=None)
PATHWAY = dict(
    type="resnet3d", depth=50, pretrained=None, conv1_stride_t=1, pool1_stride_t=1
)
SLOWFAST = dict(
    type="ResNet3dSlowFast",
    pretrained=None,
    resample_rate=4,
    speed_ratio=4,
    channel_ratio=8,
    slow_pathway=dict(
        PATHWAY,
        base_channels=8,
        lateral=True,
        conv1_kernel=(1, 7, 7),
        dilations=(1, 1, 1, 1),
        inflate=(0, 0, 1, 1),
        fusion_kernel=5,
    ),
    fast_pathway=dict(PATHWAY, base_channels=1, lateral=False, conv1_kernel=(5, 7, 7)),
)
TSM = dict(type="ResNetTSM", depth=18, num_segments=4, shift_div=8)
KINDS = {
    "3D": ("Recognizer3D", dict(type="ResNet3dSlowOnly", **BASE), (4, 3, 1)),
    "several maps": ("Recognizer3D", SLOWFAST, (8, 3, 1)),
    "2D": ("Recognizer2D", TSM, (1, 1, 4)),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_coded(path, count=90, fps=30, gop_size=250)


def write_stock(folder, kind, backbone, sampling):
    """A config of MMAction2 and its checkpoint, with random weights."""
    flat = kind == "Recognizer2D"
    shape = "NCHW" if flat else "NCTHW"
    head = dict(type="TSNHead" if flat else "I3DHead", num_classes=3, in_channels=8)
    model = dict(
        type=kind,
        backbone=backbone,
        cls_head=head,
        data_preprocessor=dict(NORM, format_shape=shape),
    )
    names = dict(zip(("clip_len", "frame_interval", "num_clips"), sampling))
    pipeline = [
        dict(type="DecordInit"),
        dict(type="SampleFrames", test_mode=True, **names),
        dict(type="DecordDecode"),
        *SIZES,
        dict(type="FormatShape", input_format=shape),
        dict(type="PackActionInputs"),
    ]
    config = Config(dict(model=model, val_pipeline=pipeline, default_scope="mmaction"))
    config.dump(str(folder / "stock.py"))
    init_default_scope("mmaction")
    torch.manual_seed(0)
    network = MODELS.build(config.model).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_var.uniform_(0.5, 2)
    torch.save(dict(state_dict=network.state_dict()), folder / "stock.pth")
    return network, folder / "stock.py", folder / "stock.pth"


@torch.no_grad()
def of_window(network, path, start, frames, fps, flat):
    """A window's features, by the transforms and the forward of MMAction2 alone."""
    with open_media(path) as media:
        images = media.frames_at(start + np.arange(frames) / fps)
    results = dict(imgs=images, img_shape=images[0].shape[:2], modality="RGB")
    for cfg in SIZES:
        results = TRANSFORMS.build(dict(cfg))(results)
    x = torch.from_numpy(np.stack(results["imgs"])).float()  # (T, H, W, 3)
    x = ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)
    if flat:
        found, _ = network.extract_feat(x[None], stage="backbone")
        return found.mean((2, 3))  # (T, D)
    found, _ = network.extract_feat(x.transpose(0, 1)[None, None], stage="backbone")
    maps = found if isinstance(found, tuple) else [found]
    parts = [one.mean((3, 4))[0].T for one in maps]  # (T', D)
    steps = min(len(one) for one in parts)
    parts = [one.unflatten(0, (steps, -1)).mean(1) for one in parts]
    return torch.cat(parts, 1)


@pytest.mark.parametrize("name", KINDS)
def test_recognizers_of_mmaction2(name, film, tmp_path):
    kind, backbone, sampling = KINDS[name]
    network, config, checkpoint = write_stock(tmp_path, kind, backbone, sampling)
    flat = kind == "Recognizer2D"
    frames, fps = (4, 2.0) if flat else (sampling[0], 30 / sampling[1])
    model = load_feature_model(config, checkpoint, device="cpu")
    rows = join_rows(extract_features(model, film, hop=frames))
    window = frames / fps
    count = round(window / (rows.seconds[0, 1] - rows.seconds[0, 0]))
    for number in range(int(3 / window)):
        alone = of_window(network, film, number * window, frames, fps, flat)
        assert len(alone) == count
        got = rows.feats["rgb"][number * count : (number + 1) * count]
        np.testing.assert_allclose(got, alone.numpy(), atol=1e-4)
    assert rows.feats["rgb"].std(0).max() > 1e-3
    if flat:
        faster = load_feature_model(config, checkpoint, fps=8, device="cpu")
        rows = join_rows(extract_features(faster, film))
        assert rows.seconds[0, 1] == pytest.approx(1 / 8)


def test_what_mmaction2_s_files_lack(tmp_path):
    _, config, checkpoint = write_stock(tmp_path, *KINDS["3D"])
    with pytest.raises(ValueError, match="give the checkpoint"):
        load_feature_model(config)
    with pytest.raises(ValueError, match="fuses nothing"):
        load_feature_model(config, checkpoint, fused=True)
    loaded = torch.load(checkpoint)["state_dict"]
    del loaded["backbone.layer1.0.conv1.conv.weight"]
    torch.save(dict(state_dict=loaded), checkpoint)
    with pytest.raises(ValueError, match=r"stock\.pth: 1 of the model's"):
        load_feature_model(config, checkpoint)
    text = config.read_text().replace("type='SampleFrames'", "type='Flip'")
    config.write_text(text)
    with pytest.raises(ValueError, match="samples them"):
        load_feature_model(config, checkpoint)


def test_published_weights_say_what_they_are(tmp_path):
    """A package's, and the same as a converted file."""
    content = read_packaged("package::efficientnet_lite0")
    converted = tmp_path / "lite0.pth"
    torch.save(content, converted)
    key = "backbone.stages.0.blocks.0.conv.weight"
    for weights in ("package::efficientnet_lite0", converted):
        model = load_feature_model(weights=[weights], fps=2, device="cpu")
        own = model.streams["rgb"].state_dict()[key]
        torch.testing.assert_close(own[:, :, 0], content["state_dict"][key])
    clip = model.cfg.test_pipeline[1]
    assert (clip["clip_len"], clip["fps"]) == (32, 2)
    with pytest.raises(ValueError, match="one file for each modality"):
        load_feature_model(weights=[converted, "package::efficientnet_lite0"])
    with pytest.raises(ValueError, match="learned no fusion"):
        load_feature_model(weights=[converted], fused=True)
    with pytest.raises(FileNotFoundError):
        load_feature_model(weights=[tmp_path / "none.pth"])


@pytest.mark.slow
@torch.no_grad()
def test_features_of_published_weights(film):
    """Pictures as its own authors prepare them, through the network by itself."""
    model = load_feature_model(
        weights=["package::efficientnet_lite0"], fps=4, device="cpu"
    )
    rows = join_rows(extract_features(model, film))
    network = MODELS.build(dict(type="STConvNet", arch="efficientnet_lite0")).eval()
    weights = read_packaged("package::efficientnet_lite0")["state_dict"]
    own = network.state_dict()
    for key, value in weights.items():
        if key.startswith("backbone."):
            own[key[9:]].copy_(value.reshape(own[key[9:]].shape))
    with open_media(film) as media:
        images = media.frames_at(np.arange(12) / 4, short_side=256)
    cropped = TRANSFORMS.build(dict(type="CenterCrop", crop_size=224))
    images = cropped(dict(imgs=images, img_shape=images[0].shape[:2]))["imgs"]
    x = (torch.from_numpy(np.stack(images)).float() - 127) / 128  # (T, H, W, 3)
    feats = network(x.permute(3, 0, 1, 2)[None]).mean((3, 4))[0].T
    np.testing.assert_allclose(rows.feats["rgb"], feats.numpy(), atol=1e-4)


def test_configs_of_ours(tmp_path):
    """Streams of any checkpoint that has them; all of it where they are fused."""
    sound = dict(waveform=chirp_sound(2, 0.9, 16000), sample_rate=16000)
    film = write_coded(tmp_path / "film.mp4", count=50, fps=25, **sound)
    model = make_model(padded=True)
    config, checkpoint = tmp_path / "own.py", tmp_path / "own.pth"
    cfg = dict(default_scope="mmaction", **model.cfg.to_dict())
    Config(cfg).dump(str(config))
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    names = ["audio", FUSED]
    loaded = load_feature_model(config, checkpoint, fused=True, device="cpu")
    got = join_rows(extract_features(loaded, film, names))
    expected = join_rows(extract_features(model, film, names))
    for name in names:
        np.testing.assert_array_equal(got.feats[name], expected.feats[name])
    weights = {k: v for k, v in model.state_dict().items() if "streams." in k}
    torch.save(dict(state_dict=weights), checkpoint)
    load_feature_model(config, checkpoint)
    with pytest.raises(ValueError, match="are not in the checkpoint"):
        load_feature_model(config, checkpoint, fused=True)
    with pytest.raises(ValueError, match="no weights for the streams rgb, flow, audio"):
        load_feature_model(config)
    with pytest.raises(ValueError, match=r"SampleClips of .* says it"):
        load_feature_model(config, checkpoint, fps=4)
    for nothing in (dict(), dict(config=config, weights=["a.pth"])):
        with pytest.raises(ValueError, match="or published weights"):
            load_feature_model(**nothing)
