"""What was found in many files, in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from ...media.checking.file_check import FileCheck
from .duplicates import Duplicates
from .leaks import Leak

SHOWN = 20  # lines of a kind
MOST = 6  # values of a column that are named
OFFSET = 0.1  # seconds between picture and sound that are worth a word
SAME = {
    "file": "the same file",
    "content": "the same content",
    "pictures": "pictures that look the same",
    "source": "the same source, by their names",
}


def counts(checks: Iterable[FileCheck]) -> dict[str, Counter]:
    """How often files have what, of those that can be used."""
    usable = [check for check in checks if check.error is None]
    films = [check for check in usable if check.codec]
    return {
        "codec": Counter(check.codec or "no video" for check in usable),
        "size": Counter(f"{check.width}x{check.height}" for check in films),
        "frames/s": Counter(_rate(check) for check in films),
        "sound": Counter(_sound(check) for check in usable),
    }


def summary(
    checks: Sequence[FileCheck],
    groups: Sequence[Duplicates],
    leaks: Sequence[Leak],
    bad: Collection[Path],
) -> str:
    """The lines for a terminal.

    Args:
        checks: All that were made.
        groups: Duplicates among them.
        leaks: Between lists of them.
        bad: Files that do not do.
    """
    lines = [f"{_many(len(checks), 'file')}, {_duration(checks)}"]
    for name, count in counts(checks).items():
        if count:
            lines.append(f"{name:10}{_most(count)}")
    lines += _remarks(checks)
    wrong = [check for check in checks if check.path in bad]
    mended = [check for check in checks if check.damage and check.path not in bad]
    for title, found in (("bad", wrong), ("damaged, but used", mended)):
        if found:
            lines.append(f"{_many(len(found), 'file')} {title}:")
            lines += _some(f"{check.path}: {check.problem}" for check in found)
    lines += _duplicates(groups)
    for leak in leaks[:SHOWN]:
        one, other = (path.name for path in leak.lists)
        first, second = leak.paths
        lines.append(f"leak: {one} and {other} hold {SAME[leak.what]}:")
        lines.append(f"  {first}" + (f" and {second}" if first != second else ""))
    if leaks[SHOWN:]:
        lines.append(f"... and {len(leaks) - SHOWN} more leaks")
    return "\n".join(lines)


def _remarks(checks: Sequence[FileCheck]) -> list[str]:
    """What is no fault, but may surprise."""
    usable = [check for check in checks if check.error is None]
    offsets = [abs(check.sound_offset or 0) for check in usable]
    found = {
        "with a variable frame rate": sum(check.variable_rate for check in usable),
        "turned when shown": sum(check.rotation != 0 for check in usable),
        "with pixels that are not square": sum(check.aspect != 1 for check in usable),
        "with sound that is silent throughout": sum(check.silent for check in usable),
        f"whose sound begins more than {OFFSET:g} s from the first frame": sum(
            offset > OFFSET for offset in offsets
        ),
    }
    return [f"{_many(n, 'file')} {what}" for what, n in found.items() if n]


def _duplicates(groups: Sequence[Duplicates]) -> list[str]:
    lines = []
    kinds = (True, "same content", " = "), (False, "pictures look the same", " ~ ")
    for exact, title, sign in kinds:
        found = [group.paths for group in groups if group.same_content is exact]
        if found:
            lines.append(f"{title}: {_many(len(found), 'group')}")
            lines += _some(sign.join(_names(paths)) for paths in found)
    return lines


def _names(paths: Sequence[Path]) -> list[str]:
    shown = [str(path) for path in paths[:MOST]]
    return [*shown, f"{len(paths) - MOST} more"] if len(paths) > MOST else shown


def _some(lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    more = [f"  ... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*(f"  {line}" for line in lines[:SHOWN]), *more]


def _most(count: Counter) -> str:
    named = [f"{value} ({number})" for value, number in count.most_common(MOST)]
    rest = sum(count.values()) - sum(n for _, n in count.most_common(MOST))
    return ", ".join([*named, f"others ({rest})"] if rest else named)


def _rate(check: FileCheck) -> str:
    return f"{check.rate:.4g}"


def _sound(check: FileCheck) -> str:
    if check.sound is None:
        return "none"
    channels = {1: "mono", 2: "stereo"}.get(
        check.sound.channels, f"{check.sound.channels} channels"
    )
    return f"{check.sound.codec} {check.sound.rate} Hz {channels}"


def _duration(checks: Sequence[FileCheck]) -> str:
    seconds = round(sum(check.duration for check in checks))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
