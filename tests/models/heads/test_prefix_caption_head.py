"""Captions by a language model: what learns, what is kept, what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from engine.joint_run import Clips, joint_runner, loader
from helpers_captions import PROMPT, build_head, fused_of
from helpers_language import needs_transformers, write_language_model
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import ExponentialMovingAverage
from mmengine.runner.checkpoint import get_state_dict, load_state_dict

from mmstconv.checkpoints.filling import fill

needs_transformers()
TEXTS = ["a warm disc moves up", "a cool square moves down"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_language_model(tmp_path_factory.mktemp("llama") / "model", "llama")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The same network with other weights."""
    return write_language_model(
        tmp_path_factory.mktemp("other") / "model", "llama", seed=1
    )


def stream(channels):
    return dict(backbone=dict(type="STConvNet", in_channels=channels,
                              stages=[dict(channels=4)]))  # fmt: skip


def recognizer(folder, **head):
    torch.manual_seed(0)
    audio = dict(type="AudioConvNet", in_channels=6, stages=[dict(channels=4)])
    return MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(
                rgb=stream(3), flow=stream(2), audio=dict(backbone=audio)
            ),
            joint=dict(fusion=dict(type="ConcatFusion")),
            cls_head=dict(
                type="PrefixCaptionHead",
                language_model=str(folder),
                num_prefix=4,
                generation=dict(max_new_tokens=8),
                **head,
            ),
        )
    )  # fmt: skip


class Told(Clips):
    """Clips with a sentence each, which the sound gives away."""

    def __init__(self, samples=4):
        super().__init__(samples)
        for row in self.rows:
            sample = row["data_samples"]
            sample.gt_captions = [TEXTS[int(sample.gt_label) % 2]]


def train(tmp_path, model, lr=1e-2, epochs=2, **kwargs):
    runner = joint_runner(
        tmp_path,
        [],
        model=model,
        train_dataloader=loader(Told(), 2),
        epochs=epochs,
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=lr, weight_decay=0.1)),
        checkpoint=dict(type="CheckpointHook", interval=1),
        **kwargs,
    )
    runner.train()
    return runner


def weights_of(model):
    return {name: one.detach().clone() for name, one in model.named_parameters()}


def test_what_learns(tmp_path, folder):
    """Frozen: not a bit of the language model. LoRA: its own. Always: the rest."""
    wrong = []
    for tuning in ("frozen", "lora", "full"):
        model = recognizer(folder, tuning=tuning)
        before = weights_of(model)
        train(tmp_path / tuning, model)
        for name, after in model.named_parameters():
            inside = name.startswith("cls_head.language.")
            learns = not inside or tuning == "full"
            learns = learns or (tuning == "lora" and "lora_" in name)
            if name == "cls_head.prefix.absent":  # nothing was absent
                learns = True  # by weight decay
                before[name] += 1
            if torch.equal(before[name], after) == learns:
                wrong.append((tuning, name))
    assert not wrong, wrong


@pytest.fixture(scope="module")
def taught(folder, tmp_path_factory):
    """A language model that says one of two sentences, by what it reads."""
    head = build_head(folder, tuning="full")
    optimizer = torch.optim.Adam(head.language.parameters(), 1e-2)
    fused = fused_of(clips=2)
    torch.manual_seed(0)
    for _ in range(60):
        optimizer.zero_grad()
        head.token_loss(fused, TEXTS).backward()
        optimizer.step()
    where = tmp_path_factory.mktemp("taught")
    head.language.model.save_pretrained(where)
    head.language.tokenizer.save_pretrained(where)
    return where


def test_a_frozen_model_learns_which_sentence(taught):
    """Through prefix, joint and streams alone."""
    model = recognizer(taught)
    batch = next(iter(loader(Told(), 4)))
    learned = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, 1e-2)
    losses = []
    for _ in range(200):
        data = model.data_preprocessor(batch, True)
        optimizer.zero_grad()
        loss = model.loss(data["inputs"], data["data_samples"])["loss_caption"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    blind = math.log(2) / 6  # a coin a sentence, over its tokens
    assert min(losses[-20:]) < 0.8 * blind, losses[::20]


def test_checkpoints_hold_what_is_tuned_and_training_goes_on(tmp_path, folder):
    losses = {}
    for name, stops in (("once", False), ("twice", True)):
        place = tmp_path / name
        if stops:
            train(place, recognizer(folder, tuning="lora"), epochs=1)
        runner = train(
            place,
            recognizer(folder, tuning="lora"),
            epochs=2,
            resume=stops,
        )
        kept = torch.load(place / "epoch_2.pth", weights_only=False)["state_dict"]
        inside = [key for key in kept if key.startswith("cls_head.language.model")]
        assert inside and all("lora_" in key for key in inside)
        losses[name] = weights_of(runner.model)
    assert not [
        name
        for name, one in losses["once"].items()
        if not torch.equal(one, losses["twice"][name])
    ]


@pytest.mark.parametrize("tuning", ["frozen", "lora", "full"])
def test_a_checkpoint_gives_the_same_captions(folder, tuning):
    head = build_head(folder, tuning=tuning, **PROMPT)
    with torch.no_grad():
        for one in head.parameters():
            if one.requires_grad:
                one.add_(torch.randn_like(one) * 0.1)
    said = head.caption(fused_of())
    kept = get_state_dict(head)  # as MMEngine saves
    assert kept.keys() == head.state_dict().keys()
    for load in (
        lambda model: model.load_state_dict(kept),  # strict: complains of any name
        lambda model: load_state_dict(model, kept, strict=True),
        lambda model: fill(model, kept, complete=True),
    ):
        again = build_head(folder, tuning=tuning, **PROMPT)
        assert again.caption(fused_of()) != said
        load(again)
        assert again.caption(fused_of()) == said


def test_another_language_model_is_refused(folder, other):
    frozen, full = build_head(folder), build_head(folder, tuning="full")
    for load in (
        lambda kept: build_head(other).load_state_dict(kept),
        lambda kept: load_state_dict(build_head(other), kept),
        lambda kept: build_head(other, tuning="lora").load_state_dict(kept, False),
        lambda kept: build_head(other, tuning="full").load_state_dict(kept, False),
    ):
        with pytest.raises(ValueError, match=f"(?s)another language model.*{other}"):
            load(frozen.state_dict())
    with pytest.raises(ValueError, match="tuning has to be 'full'"):
        frozen.load_state_dict(full.state_dict())
    build_head(other, tuning="full").load_state_dict(full.state_dict())  # has all of it


def test_a_recognizer_s_streams_start_it(folder):
    """No line says that the language model is missing in the checkpoint."""
    model = recognizer(folder)
    kept = {k: v for k, v in model.state_dict().items() if k.startswith("streams")}
    (remark,) = fill(model, kept, complete=False)
    assert "cls_head.prefix.*" in remark and "language.model" not in remark


def test_an_average_over_training_shares_what_stays(folder):
    head = build_head(folder, tuning="lora")
    average = ExponentialMovingAverage(head, update_buffers=True)
    average.update_parameters(head)
    own, copied = dict(head.named_parameters()), dict(average.module.named_parameters())
    assert own.keys() == copied.keys()
    for name, one in own.items():
        assert (one is copied[name]) == (not one.requires_grad), name
    assert average.module.state_dict().keys() == head.state_dict().keys()
    assert average.module.caption(fused_of()) == head.caption(fused_of())


def test_presence_and_subsets(folder):
    """With a learned vector, and by words, of what is absent."""
    head = build_head(folder, score_subsets=True, **PROMPT)
    torch.nn.init.normal_(head.prefix.absent)
    presence = dict(audio=torch.tensor([True, False]))
    fused = fused_of(clips=2, presence=presence)
    with_sound, without = head.contexts(fused)
    spoken = head.language.embed(head.language.tokens("there is no sound ."))
    assert len(without) == len(with_sound) + len(spoken)
    first = len(head.language.special[0]) + len(head.language.tokens("describe :"))
    torch.testing.assert_close(without[first + 4 :][: len(spoken)], spoken)
    samples = head.predict(fused, [ActionDataSample(), ActionDataSample()])
    for sample in samples:
        parts = sample.subset_captions
        assert list(parts) == ["none", "rgb", "audio", "rgb+audio"]
        assert parts["rgb+audio"] == sample.pred_caption
    assert samples[1].subset_captions["rgb"] == samples[1].pred_caption
    (alone,) = head.caption(fused_of(clips=2).only("rgb"))[:1]
    assert alone.text == samples[0].subset_captions["rgb"]


def test_nothing_is_said_of_no_clips(folder):
    fused = fused_of().rows(torch.zeros(0, dtype=torch.long))
    assert build_head(folder).caption(fused) == []


def test_what_is_refused(folder, tmp_path):
    def refused(match, error=ValueError, where=folder, **kwargs):
        with pytest.raises(error, match=match):
            build_head(where, **kwargs)

    refused(r"there is no such folder.*download-weights", FileNotFoundError, "nowhere")
    refused("expected config.json, or one GGUF", FileNotFoundError, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}')
    refused("no causal or encoder-decoder model", where=tmp_path)
    refused("tuning is 'some'", tuning="some")
    refused("lora is given, but tuning is 'frozen'", lora=dict(r=4))
    refused("num_prefix is 0", num_prefix=0)
    refused("in it once", prompt="describe")
    refused("give both or none", prompt="{video} {absent}")
    refused("give both or none", absent=dict(audio="no sound"))
    refused(r"absent: \['depth'\] has no stream", absent=dict(depth="no depth"))
    refused(r"generation: \['beams'\] is no option", generation=dict(beams=3))
    for several in (dict(num_return_sequences=2, num_beams=2),
                    dict(return_dict_in_generate=True)):  # fmt: skip
        refused("generation: a clip gets one sentence", generation=several)
    refused("a caption needs features", gives_scores=True)
    with pytest.raises(ValueError, match=r"needs: \['depth'\] has no stream"):
        build_head(folder, needs=dict(depth=["far"])).caption(fused_of())


def test_mmaction2_imports_beside_the_installed_transformers():
    code = (
        "import mmstconv, transformers\n"
        "from mmaction.registry import MODELS\n"
        "assert MODELS.get('Recognizer3D') and MODELS.get('PrefixCaptionHead')\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_what_to_install_is_said(folder, tmp_path, monkeypatch):
    (tmp_path / "model.gguf").touch()
    for name, where in (("transformers", folder), ("peft", folder), ("gguf", tmp_path)):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)  # as if it were not installed
            with pytest.raises(ImportError) as error:
                build_head(where, tuning="lora")
        assert str(error.value) == (
            f'a language model needs {name}: pip install "mmstconv[language]"'
        )
