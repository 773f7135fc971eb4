"""What other packages keep private is there, and is reached through one file."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections import OrderedDict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from engine.toy_run import toy_config, toy_runner
from mmengine.config import Config
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import Registry
from torch import nn
from torch.optim import SGD

import mmstconv
from mmstconv import private_names
from mmstconv.private_names import PrivateNameMissing, uses_private

ROOT = Path(mmstconv.__file__).resolve().parent
SINGLE = re.compile(r"_[a-z]\w*")
OF_PYTHON = {"_replace", "_asdict", "_fields", "_getframe", "_abc_impl", "_is_protocol"}
OF_PYTHON |= {"_exit"}
OF_PYTHON |= {"_backward_cls"}  # the metaclass of autograd's functions sets it


def modules():
    for found in pkgutil.walk_packages([str(ROOT)], "mmstconv."):
        if found.name != "mmstconv.__main__":
            yield import_module(found.name)


def test_each_private_name_is_there(tmp_path):
    """Every function of the file, on what the installed versions give it."""
    cfg = toy_config(tmp_path, train_cfg__max_epochs=1)
    runner = toy_runner(cfg)
    names = private_names
    assert names.is_resuming(runner) is False and names.checkpoint_of(runner) is None
    names.resume_from(runner, "a.pth")
    assert names.is_resuming(runner) and names.checkpoint_of(runner) == "a.pth"
    names.start_from(runner, None)
    assert names.is_resuming(runner) is False and names.checkpoint_of(runner) is None
    assert [names.built_loop(runner, phase) for phase in names.PHASES] == [None] * 3
    assert names.loader_config(runner, "train")["batch_size"] == 2
    assert [names.loader_config(runner, phase) for phase in ("val", "test")] == [
        None
    ] * 2
    loop = runner.train_loop
    assert list(names.built_loops(runner)) == [loop]
    names.settle_val_interval(loop)
    names.finish_epoch(loop)
    assert loop.epoch == 1

    layer = nn.Linear(1, 1)
    wrapper = OptimWrapper(SGD(layer.parameters(), 0.1), accumulative_counts=3)
    assert names.accumulative_counts(wrapper) == 3
    assert names.accumulative_counts(OptimWrapperDict(a=wrapper)) == 1

    plain = Config(dict(a=dict(b=1)))
    names.write_config_plainly(plain)
    assert plain.dump() == "a=dict(\n    b=1)"  # as yapf would not lay it out
    assert names.base_config_path("./b.py", "/a/c.py") == "/a/./b.py"
    registry = Registry("some", locations=["json"])
    assert names.locations_of(registry) == ["json"]
    assert names.has_looked_up(registry) is False
    assert runner.logger in names.loggers()

    names.metainfo_of(data_set())["classes"] = ["a"]
    assert names.to_cpu([1]) == [1]
    names.wrap_curve_writer(lambda write: write)
    from mmaction.visualization.video_backend import LocalVisBackend

    assert names.output_folder(LocalVisBackend(str(tmp_path))) == str(tmp_path)

    from mmengine.model import BaseDataPreprocessor

    names.copy_without_waiting(BaseDataPreprocessor())
    Recording().init_weights()
    versions = names.module_versions(layer.state_dict())
    assert versions == {"": {"version": 1}} and names.module_versions({}) == {}
    names.set_module_versions(weights := OrderedDict(), versions)
    assert names.module_versions(weights) == versions
    names.after_state_dict(layer, lambda module, kept, prefix, _: kept.clear())
    assert not layer.state_dict()
    assert isinstance(nn.BatchNorm3d(1), names.batch_norm_class())
    assert isinstance(nn.Conv3d(1, 1, 1), names.conv_class())
    with names.lstm_as_loop():
        pass
    if find_spec("ray"):
        names.silence_ray()


def test_each_function_is_tested():
    text = inspect.getsource(test_each_private_name_is_there) + inspect.getsource(Inner)
    untested = [
        name
        for name, function in inspect.getmembers(private_names, inspect.isfunction)
        if function.__module__ == private_names.__name__
        and not name.startswith("_")
        and f".{name}(" not in text
    ]
    assert untested == ["uses_private"]


def data_set():
    from mmengine.dataset import BaseDataset

    return BaseDataset(lazy_init=True)


class Recording(BaseModule):
    """Looks at itself while MMEngine initialises it."""

    def __init__(self):
        super().__init__()
        self.inner = Inner()


class Inner(nn.Module):
    def init_weights(self):
        assert private_names.records_initialisation(self)


def test_a_version_without_a_name_is_one_clear_error(tmp_path):
    runner = toy_runner(toy_config(tmp_path))
    del runner._resume
    said = r"mmengine [\d.]+ has no Runner\._resume, .*pip install 'mmengine[^']*<0\.11"
    with pytest.raises(PrivateNameMissing, match=said):
        private_names.is_resuming(runner)
    with pytest.raises(PrivateNameMissing, match=said):
        private_names.resume_from(runner, "a.pth")
    with pytest.raises(PrivateNameMissing, match=r"no CheckpointHook\._gone,"):

        @uses_private("_gone")
        class Ours(CheckpointHook):
            pass


def test_no_other_file_spells_one():
    """An underscore name is of the own class or module, or of Python."""
    culprits = []
    for path in ROOT.rglob("*.py"):
        if path.name == "private_names.py" or ".mim" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            culprits += [
                f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
                for name in spelled(node)
                if SINGLE.fullmatch(name) and name not in OF_PYTHON
            ]
    assert culprits == []


def spelled(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        owner = ast.unparse(node.value)
        return [] if owner in ("self", "cls", "super()") else [node.attr]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [*node.module.split("."), *(alias.name for alias in node.names)]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("attr"):
        owner, *rest = node.args
        if ast.unparse(owner) != "self" and rest:
            name = rest[0]
            if isinstance(name, ast.Constant):
                return [str(name.value)]
            return [f"_{ast.unparse(name)}"] if "'_" in ast.unparse(name) else []
    return []


def test_subclasses_say_which_private_methods_they_use():
    """Names that a class of ours shares with the source of a base of theirs."""
    culprits, seen = [], set()
    for module in modules():
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == module.__name__:
                seen.add(cls)
                said = getattr(cls, "private_names_used", ())
                culprits += [
                    f"{module.__name__}.{cls.__name__}: {name} of {base.__name__}"
                    for base, name in shared(cls)
                    if name not in said
                ]
    assert any(issubclass(cls, Hook) for cls in seen)
    assert culprits == []


def shared(cls: type) -> list[tuple[type, str]]:
    own = private_in(cls)
    bases = [
        base
        for base in cls.__mro__[1:]
        if base.__module__.partition(".")[0] in private_names.PROJECTS
    ]
    return [(base, name) for base in bases for name in own & private_in(base)]


def private_in(cls: type) -> set[str]:
    try:
        text = inspect.getsource(cls)
    except (OSError, TypeError):  # it is written in C
        text = ""
    used = set(re.findall(r"(?:self|super\(\)|cls)\.(_[a-z]\w*)", text))
    defined = {name for name in vars(cls) if SINGLE.fullmatch(name)}
    return (used | defined) - OF_PYTHON
