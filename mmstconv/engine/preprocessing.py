"""Does a config feed its weights the input they were trained on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmaction.registry import TRANSFORMS
from torch import nn

from ..checkpoints.provenance import read_provenance
from ..datasets.transforms.roles import Role, role_of
from ..private_names import PHASES, built_loop, is_resuming, loader_config
from .resuming import choose_checkpoint
from .trained_input import (
    Mismatch,
    compare_norms,
    compare_pipeline,
    compare_preprocessor,
    compare_settings,
    compare_size,
)


def check_preprocessing(runner, model: nn.Module) -> None:
    """Compare the files that ``init_cfg`` names with preprocessor and pipelines.

    Raises:
        ValueError: They disagree; lists every setting, and what to write.
    """
    if getattr(model, "is_init", False):
        return
    errors = []
    pipelines = {split: list(_steps(runner, split)) for split in PHASES}
    for name, path in files_of(model):
        provenance = read_provenance(path)
        where = f"{path} (for model{'.' + name if name else ''})"
        if "backbone" in provenance:
            found = compare_norms(provenance["backbone"], model.get_submodule(name))
            errors += [f"  {where}: {mismatch}" for mismatch in found]
        saved = provenance.get("preprocessing")
        modality = _modality(name)
        if not saved:
            continue
        if modality not in (None, saved.get("modality")):
            runner.logger.info(
                f"{path}: weights for {saved.get('modality')} start model.{name}; "
                "their preprocessing says nothing about it and is not compared"
            )
            continue
        found = compare_preprocessor(saved, *_preprocessor(model, modality))
        found += _compare_device_flow(saved, model)
        for split, steps in pipelines.items():
            found += compare_pipeline(saved, steps, f"the {split} pipeline")
        errors += [f"  {where}: {mismatch}" for mismatch in found]
        for remark in compare_size(saved, pipelines["train"]):
            runner.logger.warning(f"{where}: trained on other sizes: {remark}")
    if errors:
        raise ValueError(
            "the config does not treat the weights as they were trained:\n"
            + "\n".join(errors)
        )


def forget_files_on_resume(runner, model: nn.Module) -> None:
    """Take the files out of ``init_cfg`` where a checkpoint replaces all weights.

    MMEngine initialises first and resumes then: without this, resuming would still
    read, and need, the files that the interrupted run started from.
    """
    choose_checkpoint(runner)
    if not is_resuming(runner):
        return
    for module in model.modules():
        cfgs = _as_list(getattr(module, "init_cfg", None))
        kept = [cfg for cfg in cfgs if "checkpoint" not in cfg]
        if len(kept) < len(cfgs):
            module.init_cfg = kept or None


def files_of(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Modules that start from a file: their names and the files."""
    for name, module in model.named_modules():
        for cfg in _as_list(getattr(module, "init_cfg", None)):
            if "checkpoint" in cfg:
                yield name, str(cfg["checkpoint"])


def _as_list(init_cfg) -> list[Mapping]:
    cfgs = [init_cfg] if isinstance(init_cfg, Mapping) else init_cfg or []
    return [cfg for cfg in cfgs if isinstance(cfg, Mapping)]


def _modality(name: str) -> str | None:
    """``streams.rgb.backbone`` is of rgb; a model without streams does not say."""
    parts = name.split(".")
    return parts[1] if parts[0] == "streams" and len(parts) > 1 else None


def _preprocessor(model: nn.Module, modality: str | None) -> tuple[nn.Module, str]:
    preprocessor, name = model.data_preprocessor, "model.data_preprocessor"
    parts = getattr(preprocessor, "preprocessors", None)
    if parts is None or modality not in parts:
        return preprocessor, name
    return parts[modality], f"{name}.preprocessors.{modality}"


def _compare_device_flow(saved: Mapping, model: nn.Module) -> list[Mismatch]:
    """Settings of what derives the flow on the device, if anything does."""
    flow = getattr(model.data_preprocessor, "flow", None)
    if flow is None or saved.get("modality") != "flow":
        return []
    settings = {"bound": saved.get("bound")}
    return compare_settings(settings, flow, "model.data_preprocessor")


def _steps(runner, split: str) -> Iterator:
    """The transforms of a split that can disagree with a file."""
    loop = built_loop(runner, split)
    if loop is not None:
        yield from _transforms(loop.dataloader.dataset)
    else:  # not built yet, as the one for testing during training
        yield from _transforms(loader_config(runner, split))


def _transforms(part) -> Iterator:
    """Walk data sets, pipelines and what wraps them, built or not."""
    if isinstance(part, Mapping):
        kind = part.get("type")
        kind = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
        if isinstance(kind, type) and _is_checked(role_of(kind)):
            yield TRANSFORMS.build(dict(part))
            return
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from _transforms(one)
        return
    yield part
    get = part.get if isinstance(part, Mapping) else lambda k: getattr(part, k, None)
    for key in ("dataset", "datasets", "pipeline", "transforms"):
        inner = get(key)
        if inner is not None:
            yield from _transforms(inner)


def _is_checked(role: Role) -> bool:
    return bool(role.settings or role.features or role.step == "clip")
