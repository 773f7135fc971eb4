"""Fetches a file over HTTP: whole and as it should be, or not at all.

What has come so far lies beside the file, as ``NAME.part``, with ``NAME.part.json``
that says of what: a later call goes on there, if the server still has the same file.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from ..disk import ForeignFile, own_file, refuse_foreign

BLOCK = 1 << 18
TIMEOUT = 30  # seconds without a byte
TRIES = 4  # in a row in which nothing comes
ADVICE = (
    "fetch it with a browser and give it with --from, or name a mirror with --mirror "
    "(behind a proxy: https_proxy in the environment)"
)


class DownloadError(OSError):
    """A file could not be fetched; says which, why and what to do."""


def fetch(url: str, path: Path, digest: str = "", wait: float = 1.0) -> None:
    """Fetch a file, going on where an earlier call has stopped.

    Args:
        url: Of the file, ``http`` or ``https``.
        path: Where to put it. Its folder exists.
        digest: What it has to have, see :func:`check_digest`.
        wait: Seconds before it is tried again.

    Raises:
        DownloadError: It could not be had, or is another file than the digest says.
        ForeignFile: There is another file of that name.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: expected an address that begins with http(s)://")
    refuse_foreign([path])
    part, notes = _beside(path)
    if part.exists() and not notes.exists():
        raise ForeignFile(f"{part} is there and was not written by this tool: move it")
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(url, part, notes)
            break
        except _Interrupted as error:
            came = part.stat().st_size if part.exists() else 0
            failures = failures + 1 if came <= before else 1
            if failures >= TRIES:
                raise DownloadError(
                    f"{url}: {error}; {came} bytes are kept, run it again to go on"
                ) from error
            time.sleep(wait)
    try:
        check_digest(part, digest, url)
    except DownloadError:
        part.unlink()
        notes.unlink()
        raise
    with own_file(path) as unfinished:
        part.replace(unfinished)
    notes.unlink()


def check_digest(path: Path, digest: str, name: str) -> None:
    """Compare a file with ``kind:letters``; nothing, if that is empty.

    Kinds are ``sha256`` (its beginning is enough), ``md5`` and ``git`` (the sha1 that
    git gives a blob of this content).

    Raises:
        DownloadError: It is another file.
    """
    if not digest:
        return
    kind, _, letters = digest.partition(":")
    found = hashlib.new({"git": "sha1"}.get(kind, kind))
    if kind == "git":
        found.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    if not found.hexdigest().startswith(letters):
        raise DownloadError(
            f"{name}: its {kind} is {found.hexdigest()}, but the source states "
            f"{letters}: it was damaged on the way, or is another file. Fetch it "
            "again; one that you trust all the same goes to convert_checkpoint"
        )


class _Interrupted(Exception):
    """The connection has ended too early; another try may go on."""


def _beside(path: Path) -> tuple[Path, Path]:
    part = path.with_name(f"{path.name}.part")
    return part, part.with_name(f"{part.name}.json")


def _receive(url: str, part: Path, notes: Path) -> None:
    """The rest of a file, or all of it if the server has another one by now."""
    known = _read_notes(notes, url)
    have = part.stat().st_size if known and part.exists() else 0
    if have and have == known["whole"]:  # stopped before it was looked at
        return
    headers = {"Accept-Encoding": "identity", "User-Agent": "mmstconv"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if known["validator"]:
            headers["If-Range"] = known["validator"]
    with _open(url, headers) as answer:
        length = answer.headers.get("Content-Length")
        length = int(length) if length is not None else None
        start = _start(answer, have, known) if answer.status == 206 else 0
        if start is None:  # what the server has is not what the part is of
            part.unlink()
            raise _Interrupted("the server has another file than it had")
        whole = None if length is None else start + length
        _expect_a_file(answer, url)
        _check_room(part, length, url)
        if not start:
            noted = dict(url=url, validator=_validator(answer), whole=whole)
            notes.write_text(json.dumps(noted))
        with part.open("ab" if start else "wb") as file:
            _copy(answer.read, file.write, start, whole, part.stem)
    came = part.stat().st_size
    if whole is not None and came != whole:
        raise _Interrupted(f"the connection ended after {came} of {whole} bytes")


def _read_notes(notes: Path, url: str) -> dict | None:
    """What a part is of; None if of another address, or if that cannot be told."""
    try:
        known = json.loads(notes.read_text())
        same = known["url"] == url and (known["validator"] or known["whole"])
        return known if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _validator(answer) -> str:
    """What tells one version of a file from another, as ``If-Range`` takes it."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):  # weak ones are the same for other bytes
        return tag
    return answer.headers.get("Last-Modified", "")


def _start(answer, have: int, known: dict) -> int | None:
    """Where a partial answer begins; None if it is not the rest of the same file."""
    span, _, whole = answer.headers.get("Content-Range", "").rpartition("/")
    begins = span.removeprefix("bytes ").partition("-")[0].strip() == str(have)
    same = _validator(answer) in ("", known["validator"])
    if known["whole"] and whole.isdigit():
        same = same and int(whole) == known["whole"]
    return have if begins and same else None


def _open(url: str, headers: dict):
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # nothing is left to send, or the file is shorter now
            headers = {k: v for k, v in headers.items() if "Range" not in k}
            return _open(url, headers)
        if error.code in (429, 500, 502, 503, 504):
            message = f"the server answers {error.code} {error.reason}"
            raise _Interrupted(message) from error
        raise DownloadError(
            f"{url}: the server answers {error.code} {error.reason}; {ADVICE}"
        ) from error
    except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise _Interrupted(f"no answer ({error or type(error).__name__})") from error
    except URLError as error:
        if isinstance(error.reason, (ConnectionResetError, TimeoutError)):
            raise _Interrupted(f"no answer ({error.reason})") from error
        raise DownloadError(
            f"{url}: no connection ({error.reason}); {ADVICE}"
        ) from error


def _expect_a_file(answer, url: str) -> None:
    kind = answer.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise DownloadError(
            f"{url}: the server answers with a page ({kind}), not with the file: it "
            f"wants a login or a click, or has moved it; {ADVICE}"
        )


def _check_room(part: Path, length: int | None, url: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if length is not None and length > free:
        raise DownloadError(
            errno.ENOSPC,
            f"{url}: {length} bytes are to come, but {part.parent.absolute()} has room "
            f"for {free}; make room or take another folder with --out",
        )


def _copy(
    read: Callable, write: Callable, start: int, whole: int | None, name: str
) -> None:
    bar = dict(total=whole, initial=start, unit="B", unit_scale=True, desc=name)
    with tqdm(**bar, disable=None) as progress:  # none where nobody looks
        while True:
            try:
                block = read(BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _Interrupted(f"the connection broke ({error})") from error
            if not block:
                return
            try:
                write(block)
            except OSError as error:
                raise DownloadError(
                    f"{name} cannot be written: {error.strerror}; what has come is "
                    "kept, run it again to go on"
                ) from error
            progress.update(len(block))
