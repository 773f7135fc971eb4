"""Reads a config; a mistake in it is told with file and line."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from mmengine.config import Config

from .keys import check_config
from .sources import OURS, ConfigError, sources_of


def read_config(
    path: str | Path,
    options: Mapping | None = None,
    parts: Collection[str] | None = None,
) -> Config:
    """MMEngine's ``Config.fromfile`` with errors for people.

    A bare name that is no file here is looked up among the package's configs, as mim
    does.

    Args:
        path: Of the config.
        options: ``--cfg-options``: checked with the config, but not yet merged into it.
        parts: Keys of the top level that are wanted, as ``model``: the classes of the
            others are not looked at. None: all.

    Raises:
        FileNotFoundError: There is no such config.
        ConfigError: It, or a config it inherits from, cannot be read, has keys that
            look mistyped, or has no model, which is wanted.
    """
    cfg = _read(_found(Path(path)))
    whole = cfg
    if options:
        whole = cfg.copy()
        whole.merge_from_dict(options)
    check_config(whole, options, parts)
    if parts is not None and "model" in parts:
        require_model(cfg, path)
    return cfg


def require_model(cfg: Config, path: str | Path) -> None:
    """Refuse a part of a config, or one that inherits none that has a model.

    Raises:
        ConfigError: There is no model.
    """
    if cfg.get("model") is None:
        raise ConfigError(
            f"{path}: it has no model; inherit a config that has one, as "
            '_base_ = ["mmstconv::recognition/..."]'
        )


def _read(path: Path) -> Config:
    files = {str(source.path.resolve()) for source in sources_of(path)}
    try:
        return Config.fromfile(str(path))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if str(Path(f.filename).resolve()) in files]
        place = f"{own[-1].filename}:{own[-1].lineno}" if own else path
        if isinstance(error, ImportError) and error.__cause__:  # of custom_imports
            error = error.__cause__
        what = error.args[0] if isinstance(error, KeyError) else error
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        first = str(what).strip().splitlines()[:1] or [""]
        raise ConfigError(f"{place}: {kind}{first[0]}") from error


def _found(path: Path) -> Path:
    if path.is_file():
        return path
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder, not a config")
    ours = {file.name: file for file in OURS.rglob("*.py")}
    name = path.name if path.suffix else f"{path.name}.py"
    if path.parent == Path() and name in ours:
        return ours[name]
    here = path.parent if path.parent.is_dir() else Path()
    names = {file.name: file for file in here.glob("*.py")} | ours
    close = get_close_matches(name, names, n=1, cutoff=0.75)
    hint = f"; did you mean {names[close[0]]}?" if close else ""
    raise FileNotFoundError(f"there is no config {path}{hint}")
