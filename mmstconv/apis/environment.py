"""What this installation and machine have, and whether it is what the package needs."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module, metadata
from typing import NamedTuple

from ..importing import put_together

PYTHON = ">=3.10,<3.14"
#: Modules of distributions that have another name.
MODULES = {
    "importlib-metadata": "importlib_metadata",
    "mmaction2": "mmaction",
    "mmcv-lite": "mmcv",
    "opencv-contrib-python": "cv2",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "setuptools": "pkg_resources",
}
#: Either of them is enough; nobody declares it.
MMCV = ("mmcv>=2.0.0,<2.2.0", "mmcv-lite>=2.0.0,<2.2.0")
FOR_DEVELOPERS = {"tests", "mim"}
LEAST_SHARED_MEMORY = 1 << 28  # bytes; containers give 64 MiB, loaders want more


class Package(NamedTuple):
    """One package.

    Args:
        name: Of the distribution.
        version: That is installed; None: it is not.
        wanted: Which versions will do.
        problem: What is wrong; None: nothing.
    """

    name: str
    version: str | None
    wanted: str
    problem: str | None = None


class Environment(NamedTuple):
    """All that :func:`examine` finds.

    Args:
        packages: That are needed.
        extras: ``{extra: packages}`` of the optional ones.
        repaired: What of other packages is repaired here, a sentence each.
        machine: Processor, memory, devices by name.
        remarks: What may become a problem, and what to do.
    """

    packages: list[Package]
    extras: dict[str, list[Package]]
    repaired: list[str]
    machine: dict[str, str]
    remarks: list[str]

    @property
    def problems(self) -> list[str]:
        """What is missing or broken that is needed."""
        return [f"{one.name}: {one.problem}" for one in self.packages if one.problem]

    def as_json(self) -> dict:
        """Of JSON's types."""
        return dict(
            ok=not self.problems,
            problems=self.problems,
            packages=[one._asdict() for one in self.packages],
            extras={k: [one._asdict() for one in v] for k, v in self.extras.items()},
            repaired=self.repaired,
            machine=self.machine,
            remarks=self.remarks,
        )


def examine() -> Environment:
    """Look at the packages, each of which is imported, and at the machine."""
    needed, extras = requirements()
    packages = [_python(), *(_package(one) for one in needed), _mmcv()]
    packages.append(_models_of_mmaction())
    optional = {
        name: [_package(one, imported=False) for one in those]
        for name, those in extras.items()
    }
    from ..compat import REPAIRED

    machine = dict(_machine())
    return Environment(packages, optional, list(REPAIRED), machine, list(_remarks()))


def requirements(distribution: str = "mmstconv") -> tuple[list, dict[str, list]]:
    """What the installed package declares: needed, and by extra.

    Raises:
        PackageNotFoundError: It is not installed.
    """
    from packaging.requirements import Requirement

    needed, extras = [], {}
    for text in metadata.requires(distribution) or []:
        one = Requirement(text)
        wanted = [
            extra
            for extra in metadata.metadata(distribution).get_all("Provides-Extra") or []
            if one.marker and one.marker.evaluate({"extra": extra})
        ]
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            needed.append(one)
            continue
        for extra in wanted:
            if extra not in FOR_DEVELOPERS:
                extras.setdefault(extra, []).append(one)
    return needed, extras


def _python() -> Package:
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    fits = SpecifierSet(PYTHON).contains(version, prereleases=True)
    return Package("Python", version, PYTHON, None if fits else f"wants {PYTHON}")


def _package(wanted, imported: bool = True) -> Package:
    name, versions = wanted.name, str(wanted.specifier)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        problem = f"is missing: pip install '{wanted.name}{versions}'"
        return Package(name, None, versions, problem)
    if not wanted.specifier.contains(version, prereleases=True):
        return Package(name, version, versions, f"is {version}, wants {versions}")
    broken = _broken(MODULES.get(name.lower(), name)) if imported else None
    return Package(name, version, versions, broken)


def _broken(module: str) -> str | None:
    """Why a module cannot be imported; None: it can."""
    try:
        import_module(module)
    except Exception as error:  # whatever it does when it is imported
        first = str(error).strip().splitlines()[:1] or [""]
        return f"cannot be imported: {type(error).__name__}: {first[0]}"
    return None


def _whole(package: str) -> str | None:
    """Why not all of a package can be imported; None: it can."""
    try:
        dir(import_module(package))
    except Exception as error:
        return f"{package} cannot be imported: {type(error).__name__}: {error}"
    return None


def _mmcv() -> Package:
    from packaging.requirements import Requirement

    found = [_package(Requirement(one)) for one in MMCV]
    there = [one for one in found if one.version]
    return (there or found[1:])[0]


def _models_of_mmaction() -> Package:
    """MMAction2's models and ours import much that need not be there."""
    wanted = ("mmaction", "mmaction.models", "mmaction.datasets", "mmstconv.models")
    for one in wanted:
        _broken(one)
    put_together()
    problem = next((broken for one in wanted if (broken := _whole(one))), None)
    return Package("models and data", None, "", problem)


def _machine() -> Iterator[tuple[str, str]]:
    from ..cores import loader_workers

    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "python", sys.executable
    yield "cores", f"{os.cpu_count()}, of which a loader uses {loader_workers()}"
    yield "memory", _size(memory_limit())
    if (shared := _shared_memory()) is not None:
        yield "shared memory", _size(shared)
    yield "free disk here", _size(shutil.disk_usage(".").free)
    with suppress(Exception):
        yield from _devices()
    with suppress(Exception):
        av = import_module("av")
        numbers = av.library_versions["libavcodec"]
        yield "FFmpeg of PyAV", "libavcodec " + ".".join(map(str, numbers))


def _devices() -> Iterator[tuple[str, str]]:
    torch = import_module("torch")
    yield "torch threads", str(torch.get_num_threads())
    yield "CUDA of torch", torch.version.cuda or "none: this torch runs on CPUs"
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        yield f"GPU {index}", f"{found.name}, {_size(found.total_memory)}"


def memory_limit() -> int:
    """Bytes that this process may use: the machine's, or its control group's."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ):
        with suppress(OSError, ValueError), open(path) as file:
            limits.append(int(file.read()))
    return min(limits)


def _shared_memory() -> int | None:
    with suppress(OSError):
        return shutil.disk_usage("/dev/shm").total
    return None


def _remarks() -> Iterator[str]:
    shared = _shared_memory()
    if shared is not None and shared < LEAST_SHARED_MEMORY:
        yield (
            f"/dev/shm has {_size(shared)}, which several loader processes fill: "
            "start the container with --shm-size=8g"
        )
    with suppress(Exception):
        torch = import_module("torch")
        if torch.version.cuda and not torch.cuda.is_available():
            yield "this torch is built for CUDA, but finds no GPU or driver"


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def as_text(found: Environment) -> str:
    """Lines for people."""
    lines = ["needed:"]
    for one in found.packages:
        mark = "no" if one.problem else "ok"
        says = one.problem or (f"({one.wanted})" if one.wanted else "")
        lines.append(f"  {mark}  {one.name:22}{one.version or '':14}{says}".rstrip())
    lines.append("extras:")
    lines += [f"  {line}" for line in _of_extras(found.extras)]
    lines += ["repaired here:", *(f"  {one}" for one in found.repaired or ["nothing"])]
    lines.append("machine:")
    lines += [f"  {name:26}{what}" for name, what in found.machine.items()]
    lines += [f"note: {one}" for one in found.remarks]
    count = len(found.problems)
    lines.append(f"{count} problem(s)" if count else "all that is needed is there")
    return "\n".join(lines)


def _of_extras(extras: Mapping[str, list[Package]]) -> Iterator[str]:
    for name, packages in extras.items():
        wrong = [f"{one.name} {one.problem.partition(':')[0]}"
                 for one in packages if one.problem]  # fmt: skip
        if wrong:
            yield f"--  {name:22}{', '.join(wrong)}: pip install 'mmstconv[{name}]'"
        else:
            yield f"ok  {name}"
