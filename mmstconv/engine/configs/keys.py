"""Finds mistyped keys of a config.

A config may hold variables of its own, so an unknown key is a mistake only where it is
close to a known one and no file of the config reads it. Arguments of our own parts are
held to their constructors.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from mmengine.config import Config
from torch.utils.data import DataLoader

from .signatures import Registered, arguments_of
from .sources import ConfigError, Source, sources_of, where

CLOSE = 0.82

# Arguments of MMEngine's Runner, which takes long to import.
RUNNER = {
    *("model", "work_dir", "default_scope", "experiment_name", "data_preprocessor"),
    *("train_dataloader", "val_dataloader", "test_dataloader"),
    *("train_cfg", "val_cfg", "test_cfg", "val_evaluator", "test_evaluator"),
    *("optim_wrapper", "param_scheduler", "auto_scale_lr", "randomness"),
    *("default_hooks", "custom_hooks", "load_from", "resume", "launcher", "env_cfg"),
    *("log_processor", "log_level", "visualizer"),
}
# What MMEngine, MMAction2's tools and ours read beside them.
TOP_LEVEL = RUNNER | {
    "_scope_",
    "activation_checkpointing",
    "compile",
    "custom_imports",
    "efficient_conv_bn_eval",
    "find_unused_parameters",
    "model_wrapper_cfg",
    "runner_type",
    "start_from",
    "sync_bn",
    "test_pipeline",
    "train_pipeline",
    "tta_model",
    "tta_pipeline",
    "val_pipeline",
    "vis_backends",
}
STEPS = "steps"  # of configs/_base_/datasets, see mmstconv/pipelines.py
STEPS_ARE_READ = (
    "the steps have become pipelines when options come; name the transform by its "
    "place, as train_dataloader.dataset.pipeline.1.clip_len, or write a config with "
    "change_steps (configs/README.md)"
)
LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
LOADER = set(inspect.signature(DataLoader.__init__).parameters) - {"self"} | {
    "disable_subprocess_warning",
    "num_batch_per_epoch",
}
HOOKS = {
    "checkpoint",
    "logger",
    "param_scheduler",
    "runtime_info",
    "sampler_seed",
    "sync_buffers",
    "timer",
    "visualization",
    "bad_samples",
    "consistency",
    "invalid_loss",
}
FIXED = {
    "auto_scale_lr": {"enable", "base_batch_size"},
    "env_cfg": {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"},
    "randomness": {"seed", "diff_rank_seed", "deterministic"},
}
# Numbers that people write at the top, where nothing reads them.
PLACES = {
    "batch_size": "train_dataloader.batch_size",
    "num_workers": "train_dataloader.num_workers",
    "epochs": "train_cfg.max_epochs",
    "max_epochs": "train_cfg.max_epochs",
    "lr": "optim_wrapper.optimizer.lr",
    "num_classes": "model.cls_head.num_classes",
}
# A variable such as film_test_pipeline, which a config that a run has written holds, is
# a name of its own.
LONGER = tuple(f"_{key}" for key in TOP_LEVEL)
# Read by whoever builds the part, not by the part.
OF_BUILDERS = {
    "type",
    "_scope_",
    "_delete_",
    "constructor",
    "convert_to_iter_based",
    "optimizer",
    "paramwise_cfg",
    "init_cfg",
    "priority",
    "requires_grad",
}


def check_config(
    cfg: Config,
    options: Mapping | None = None,
    parts: Collection[str] | None = None,
) -> None:
    """Refuse a config with keys that look mistyped.

    Args:
        cfg: With the options in it.
        options: Of the command line (``--cfg-options``).
        parts: Keys of the top level in which classes are looked at; None: in all.

    Raises:
        ConfigError: Names all of them, each with file and line and what was meant.
    """
    sources = sources_of(cfg.filename) if cfg.filename else []
    options = options or {}
    known = cfg.to_dict()
    if parts is not None:
        known = {key: known[key] for key in parts if key in known}
    problems = [
        f"{_place(key, options, sources)}: {what}"
        for key, what in [
            *_top_level(cfg, options, sources),
            *_of_runner(cfg),
            *_Parts().of(known, ""),
        ]
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


def _place(key: str, options: Mapping, sources: list[Source]) -> str:
    for option in options:
        if key in option.split("."):
            return f"--cfg-options {option}"
    return where(key, sources)


def _top_level(
    cfg: Config, options: Mapping, sources: list[Source]
) -> Iterator[tuple[str, str]]:
    read = {name for source in sources for name in source.read_names()}
    for key in cfg:
        if key in TOP_LEVEL or key in read:
            continue
        # A config that a run has written holds what its bases have read as well.
        if key in PLACES and len(sources) > 1 and sources[0].line_of(key):
            yield key, f"nothing reads '{key}' here; did you mean {PLACES[key]}?"
        elif _close(key, TOP_LEVEL) and not key.endswith(LONGER):
            yield key, _unknown(key, TOP_LEVEL)
    if not sources:
        return
    for option in options:
        key = option.partition(".")[0]
        if key == STEPS and STEPS in cfg:
            yield key, STEPS_ARE_READ
            continue
        known = key in TOP_LEVEL or any(source.line_of(key) for source in sources)
        if not known and not _close(key, TOP_LEVEL):
            yield key, f"nothing reads '{key}'"


def _of_runner(cfg: Config) -> Iterator[tuple[str, str]]:
    """Of dictionaries that MMEngine reads without a class."""
    for name, known, strict in (
        *((name, LOADER, False) for name in LOADERS),
        *((name, known, True) for name, known in FIXED.items()),
        ("default_hooks", HOOKS, False),
    ):
        given = cfg.get(name)
        keys = given if isinstance(given, dict) else ()
        for key in keys:
            if key not in known | OF_BUILDERS and (strict or _close(key, known)):
                yield key, _unknown(key, known, name)


class _Parts:
    """Registered classes, wherever in a config they stand."""

    def __init__(self) -> None:
        self.known = Registered()
        # not above: that has imported the models, which takes seconds
        from ...models.recognizers.building import OF_JOINT

        self.of_joint = OF_JOINT

    def of(self, value: object, path: str, ours: bool = True) -> Iterator:
        """Problems of a value and all below it.

        Args:
            value: Of the config.
            path: Where it stands.
            ours: Whether an unknown class may be told; the models of MMAction2 can
                hold classes of packages that are not installed.
        """
        if isinstance(value, (list, tuple)):
            for index, one in enumerate(value):
                yield from self.of(one, f"{path}[{index}]", ours)
        if not isinstance(value, dict):
            return
        name = value.get("type")
        if path == "model":
            ours = name == "TriModalRecognizer"
            if ours:
                yield from self._of_untyped(value)
        if path == "optim_wrapper" and value.get("type", "") in ("", "OptimWrapper"):
            name = "AmpOptimWrapper"  # which --amp makes of it
        if isinstance(name, str):
            yield from self._of_one(name, value, path, ours)
        for key, one in value.items():
            yield from self.of(one, f"{path}.{key}" if path else str(key), ours)

    def _of_untyped(self, model: Mapping) -> Iterator[tuple[str, str]]:
        """Parts of a recognizer whose class is understood."""
        parts = {
            f"streams.{name}": ("ConvStream", stream)
            for name, stream in (model.get("streams") or {}).items()
        }
        parts["joint"] = ("Joint", model.get("joint"))
        for place, (name, part) in parts.items():
            if isinstance(part, dict) and "type" not in part:
                yield from self._of_one(name, part, f"model.{place}", True)

    def _of_one(
        self, name: str, keys: Collection[str], path: str, ours: bool
    ) -> Iterator[tuple[str, str]]:
        takes = arguments_of(name, self.known)
        if takes is None:
            if ours and "." not in name and _close(name, self.known):
                yield name, _unknown(name, self.known, f"{path}.type", "class")
            return
        known = takes.names | OF_BUILDERS
        for key in keys:
            if name == "TriModalFusionHead" and key in self.of_joint:
                yield key, f"'{key}' of {path} is model.joint.{self.of_joint[key]}"
            elif key not in known and (takes.no_others or _close(key, known)):
                yield key, _unknown(key, known, f"{path}, {name}")


def _close(key: object, known: Collection[str]) -> list[str]:
    return get_close_matches(str(key), known, n=1, cutoff=CLOSE)


def _unknown(key: str, known: Collection[str], owner: str = "", kind="key") -> str:
    close = get_close_matches(str(key), known, n=1, cutoff=0.6)
    of = f" of {owner}" if owner else ""
    if close:
        return f"unknown {kind} '{key}'{of}; did you mean '{close[0]}'?"
    names = ", ".join(sorted(set(known) - OF_BUILDERS))
    return f"unknown {kind} '{key}'{of}; known are {names}"
