"""A prediction imports what the config names, and says what it says otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.datasets.captions import CAPTION_FORMATS
from mmstconv.datasets.events import EVENT_FORMATS
from mmstconv.datasets.official import FORMS

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
# What takes long to import and no prediction needs.
HEAVY = {"scipy", "librosa", "numba", "matplotlib", "pandas", "sympy", "moviepy"}
UNUSED = {
    *("mmaction.models", "mmaction.datasets", "mmengine.optim", "mmengine.hooks"),
    *("torch.distributed.fsdp", "mmengine.runner.runner", "mmstconv.evaluation"),
}


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PREDICT = """
import runpy, sys, json
if sys.argv.pop(1) == "whole":
    import mmengine
script = sys.argv[1]
sys.argv = sys.argv[1:]
sys.path.insert(0, script.rpartition("/")[0])
try:
    runpy.run_path(script, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
from mmstconv.importing import WATCHER
run = {m for m in sys.modules if m not in WATCHER.parts}
print(json.dumps(sorted(run)))
"""


def test_a_prediction_imports_what_the_config_names(demo_data, tmp_path):
    init_default_scope("mmaction")
    weights = tmp_path / "model.pth"
    built = MODELS.build(Config.fromfile(CONFIG).model)
    torch.save(dict(state_dict=built.state_dict()), weights)
    video = min((demo_data / "val").iterdir())
    script = ROOT / "tools" / "predict.py"
    said = {}
    for how in ("light", "whole"):
        output = run(PREDICT, how, script, CONFIG, weights, video, "--json")
        said[how], modules = map(json.loads, output.splitlines())
        found = (HEAVY | UNUSED) & set(modules)
        assert not found if how == "light" else found >= {"scipy", "mmaction.models"}
    assert said["light"] == said["whole"]


def test_a_name_that_is_nowhere_alone_imports_all():
    code = """
from mmstconv.light_start import import_what_is_named
import_what_is_named()
import mmstconv
from mmengine.registry import init_default_scope, MODELS as root, TRANSFORMS as steps
from mmaction.registry import MODELS, TRANSFORMS
from mmstconv.registry import MODELS as ours
init_default_scope("mmaction")
from mmstconv.importing import WATCHER
print(MODELS.get("STConvNet").__name__, TRANSFORMS.get("Resize").__module__)
print(ours.get("LSTMTemporalNeck").__name__, len(WATCHER.parts) > 5)
print(root.get("mmaction.ResNet3d").__name__, len(WATCHER.parts))
print(MODELS.get("ReLU").__name__, ours.get("Recognizer3D").__name__)
try:
    MODELS.build(dict(type="STConvNett"))
except KeyError as error:
    print("refused")
"""
    assert run(code).split() == [
        *("STConvNet", "mmaction.datasets.transforms.processing"),
        *("LSTMTemporalNeck", "True", "ResNet3d", "0", "ReLU", "Recognizer3D"),
        "refused",
    ]


def test_readers_that_make_themselves_known_are_there():
    code = """
from mmstconv.light_start import import_what_is_named
import_what_is_named()
from mmstconv.datasets.official.registry import FORMS
from mmstconv.datasets.events.annotation import EVENT_FORMATS
from mmstconv.datasets.captions.annotation import CAPTION_FORMATS
print(*FORMS, *EVENT_FORMATS, *CAPTION_FORMATS)
"""
    known = [*FORMS, *EVENT_FORMATS, *CAPTION_FORMATS]
    assert len(known) > 30 and run(code).split() == known


def test_a_mistyped_class_is_found_in_what_is_used(tmp_path):
    from mmstconv.engine.configs import ConfigError, read_config

    config = tmp_path / "x.py"
    config.write_text(
        f"_base_ = {str(CONFIG)!r}\nmodel = dict(streams=dict(rgb=dict(backbone="
        "dict(type='STConvNat'))))\noptim_wrapper = dict(type='AmpOptimWraper')\n"
    )
    for parts, mistakes in ((None, 2), (["model", "test_pipeline"], 1)):
        with pytest.raises(ConfigError, match="did you mean 'STConvNet'") as error:
            read_config(config, parts=parts)
        assert len(str(error.value).splitlines()) == mistakes
