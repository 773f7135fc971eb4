"""What MMEngine, MMAction2 and PyTorch keep private and this package uses: all of it.

A name that begins with an underscore may be gone in their next version. So no other
module spells one of theirs: it calls a function of this file. A subclass that replaces
or calls a private method of its base says so with :func:`uses_private`. A version
without the name raises :class:`PrivateNameMissing`, and no check is skipped silently.

Nothing of theirs is imported before a function needs it, for this module stands below
all others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module, metadata
from inspect import isclass, ismodule

PHASES = ("train", "val", "test")
PROJECTS = dict(mmengine="mmengine", mmaction="mmaction2", torch="torch", ray="ray")


class PrivateNameMissing(RuntimeError):
    """The installed version of a package lacks a private name that is used."""


def uses_private(*names: str) -> Callable[[type], type]:
    """Decorator of a class that replaces or calls private names of its base classes.

    Args:
        names: Methods of the base classes.

    Raises:
        PrivateNameMissing: A name is in no base class.
    """

    def check(cls: type) -> type:
        bases = [base for base in cls.__mro__[1:] if base is not object]
        for name in names:
            if not any(name in vars(base) for base in bases):
                raise PrivateNameMissing(_message(bases[0], name))
        cls.private_names_used = names
        return cls

    return check


# Runner


def is_resuming(runner) -> bool:
    """Whether the runner goes on from a checkpoint, with optimizer and place."""
    return _get(runner, "_resume")


def checkpoint_of(runner) -> str | None:
    """The checkpoint that the runner starts or goes on from, if it names one."""
    return _get(runner, "_load_from")


def resume_from(runner, path: str) -> None:
    """Let the runner go on from a checkpoint."""
    _set(runner, "_resume", True)
    _set(runner, "_load_from", path)


def start_from(runner, path: str | None) -> None:
    """Let the runner begin a new training, from the weights in ``path`` if any."""
    _set(runner, "_resume", False)
    _set(runner, "_load_from", path)


def built_loop(runner, phase: str):
    """The loop of a phase; None where it has not been built (yet).

    The runner's own ``train_loop`` builds what is not there, data sets included.

    Args:
        runner: MMEngine's ``Runner``.
        phase: ``'train'``, ``'val'`` or ``'test'``.
    """
    loop = _get(runner, f"_{phase}_loop")
    return loop if hasattr(loop, "dataloader") else None


def built_loops(runner) -> Iterator:
    """The loops of a runner that have been built by now."""
    for phase in PHASES:
        loop = built_loop(runner, phase)
        if loop is not None:
            yield loop


def loader_config(runner, phase: str) -> Mapping | None:
    """The config of a phase's data loader, or the loader that was given instead."""
    return _get(runner, f"_{phase}_dataloader")


# Training


def finish_epoch(loop) -> None:
    """Count one epoch more in an ``EpochBasedTrainLoop``."""
    _set(loop, "_epoch", _get(loop, "_epoch") + 1)


def settle_val_interval(loop) -> None:
    """Let a training loop put ``dynamic_intervals`` into its ``val_interval``."""
    _get(loop, "_decide_current_val_interval")()


def accumulative_counts(optim_wrapper) -> int:
    """Batches that make a step of the optimizer; 1 where there are several."""
    from mmengine.optim import OptimWrapperDict

    if isinstance(optim_wrapper, OptimWrapperDict):
        return 1
    return _get(optim_wrapper, "_accumulative_counts")


# Configs, registries and logs


def write_config_plainly(cfg) -> None:
    """Let ``cfg.dump()`` leave out yapf, which takes long and changes the layout only.

    MMEngine's ``Config.fromfile(format_python_code=False)`` is meant for that, but does
    nothing for configs whose bases are text (up to 0.10.7).
    """
    _get(cfg, "_format_python_code")
    object.__setattr__(cfg, "_format_python_code", False)


def base_config_path(base: str, config: str) -> str:
    """Where MMEngine finds the file that a config's ``_base_`` names.

    Raises:
        FileNotFoundError: The package it names is not there.
    """
    from mmengine.config import Config

    return _get(Config, "_get_cfg_path")(base, config)[0]


def locations_of(registry) -> list[str]:
    """The modules that a registry imports at its first look-up; may be appended to."""
    return _get(registry, "_locations")


def has_looked_up(registry) -> bool:
    """Whether a registry has imported its locations already."""
    return _get(registry, "_imported")


def loggers() -> list:
    """All of MMEngine's loggers, the oldest first."""
    from mmengine.logging import MMLogger

    return list(_get(MMLogger, "_instance_dict").values())


def silence_ray() -> None:
    """What its daemons say of each process that dies is not printed among results."""
    _set(import_module("ray._private.worker"), "_worker_logs_enabled", False)


# Data, metrics, curves


def metainfo_of(dataset) -> dict:
    """A data set's own ``metainfo``, to be changed; its property gives a copy."""
    return _get(dataset, "_metainfo")


def copy_without_waiting(preprocessor) -> None:
    """Let a data preprocessor copy inputs to the device without blocking."""
    _set(preprocessor, "_non_blocking", True)


def to_cpu(results):
    """Metric results with their tensors on the CPU."""
    return _get(import_module("mmengine.evaluator.metric"), "_to_cpu")(results)


def wrap_curve_writer(wrap: Callable[[Callable], Callable]) -> None:
    """Replace what MMAction2's ``LocalVisBackend`` writes a line of curves with.

    Args:
        wrap: Takes the method ``(backend, values, file path, file format)`` and returns
            the one in its place.
    """
    from mmaction.visualization.video_backend import LocalVisBackend

    _set(LocalVisBackend, "_dump", wrap(_get(LocalVisBackend, "_dump")))


def output_folder(backend) -> str:
    """The folder that a ``LocalVisBackend`` writes to."""
    return _get(backend, "_save_dir")


# Models


def records_initialisation(module) -> bool:
    """Whether MMEngine initialises a module's weights and logs where they come from.

    Only then does its ``update_init_info`` take the module.
    """
    return hasattr(module, "_params_init_info")


def module_versions(weights: Mapping) -> Mapping:
    """What ``state_dict()`` keeps beside the weights, by the names of the modules.

    Empty for other mappings.
    """
    return getattr(weights, "_metadata", None) or {}


def set_module_versions(weights: Mapping, versions: Mapping) -> None:
    """Put it beside other weights."""
    weights._metadata = versions


def after_state_dict(module, hook: Callable) -> None:
    """Let a function change what ``state_dict()`` gives of a module.

    Args:
        module: Of torch.
        hook: Called with the module, the mapping, the prefix of the module's names, and
            its metadata; it changes the mapping in place.
    """
    _get(module, "_register_state_dict_hook")(hook)


def batch_norm_class() -> type:
    """The class of all batch norms, of any number of dimensions."""
    return _get(import_module("torch.nn.modules.batchnorm"), "_BatchNorm")


def lstm_as_loop():
    """Context in which ``torch.export`` keeps an LSTM as a loop over its steps.

    Otherwise it writes as many copies of a step as the example is long.
    """
    try:
        patches = import_module("torch.export._patches")
    except ImportError:
        message = _message(import_module("torch.export"), "_patches", "torch>=2.13")
        raise PrivateNameMissing(message) from None
    return _get(patches, "register_lstm_while_loop_decomposition")()


def conv_class() -> type:
    """The class of all convolutions, of any number of dimensions."""
    return _get(import_module("torch.nn.modules.conv"), "_ConvNd")


def _get(owner, name: str):
    try:
        return getattr(owner, name)
    except AttributeError:
        raise PrivateNameMissing(_message(owner, name)) from None


def _set(owner, name: str, value) -> None:
    _get(owner, name)
    setattr(owner, name, value)


def _message(owner, name: str, requirement: str | None = None) -> str:
    """Package, version, what is missing and what to do."""
    if ismodule(owner):
        place = module = owner.__name__
    else:
        kind = owner if isclass(owner) else type(owner)
        kind = next((one for one in kind.__mro__ if _package(one) in PROJECTS), kind)
        place, module = kind.__name__, kind.__module__
    package = module.partition(".")[0]
    version = getattr(sys.modules.get(package), "__version__", "")
    requirement = requirement or _requirement(PROJECTS.get(package, package))
    return (
        f"{package} {version} has no {place}.{name}, which mmstconv uses: install "
        f"a version that it knows, pip install '{requirement}'"
    )


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _requirement(project: str) -> str:
    """What this package's own installation says of a project."""
    try:
        known = metadata.requires("mmstconv") or []
    except metadata.PackageNotFoundError:  # a checkout on the path
        known = []
    wanted = [one for one in known if one.startswith(project)]
    return wanted[0].partition(";")[0].strip() if wanted else project
