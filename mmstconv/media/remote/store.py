"""Requests to object stores and web servers, tried again where that may help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from ...disk import public_name
from ..trust.errors import MISTAKES, FetchError

FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0  # seconds before another attempt
# Another attempt would fail as well.
FINAL = (*MISTAKES, FileNotFoundError, IsADirectoryError, PermissionError, ValueError)
FINAL_NAMES = {"NoCredentialsError", "PartialCredentialsError", "InvalidURL"}
TRY_LATER = {408, 425, 429}  # status codes below 500 that may pass


class Store:
    """What is asked of a file elsewhere: its size and its bytes, through fsspec.

    A request that fails, or takes too long, is made again after a wait that doubles.

    Args:
        options: Of fsspec's file system (``endpoint_url``, ``anon`` ...).
        timeout: Seconds that a request may take; None is no limit. File systems that
            are not asynchronous in fsspec (``file``, ``memory``) have none.
        retries: How often a request is made again.
    """

    def __init__(
        self, options: Mapping, timeout: float | None = 30.0, retries: int = 4
    ) -> None:
        self.options = dict(options)
        self.timeout, self.retries = timeout, retries

    def size(self, url: str) -> int:
        """The size of a file in bytes.

        Raises:
            FileNotFoundError: There is no such file.
            FetchError: It cannot be had, is no file, or its size is not known.
        """
        info = self._ask(url, "info")
        if info.get("type") == "directory" or info.get("size") is None:
            what = (
                "is a folder"
                if info.get("type") == "directory"
                else ("cannot be fetched: the server does not say how large it is")
            )
            raise FetchError(public_name(url), what)
        return int(info["size"])

    def read(self, url: str, start: int, stop: int) -> bytes:
        """The bytes ``[start, stop)`` of a file.

        Raises:
            FileNotFoundError: There is no such file.
            FetchError: They cannot be had, or are not all that were asked for.
        """

        def check(content: bytes) -> None:
            if len(content) > stop - start:
                raise FetchError(
                    public_name(url),
                    "cannot be read in ranges: the server sent more than was asked for",
                    "copy it to this machine or to an object store",
                )
            if len(content) < stop - start:
                raise OSError(f"{len(content)} of {stop - start} bytes came")

        return self._ask(url, "cat_file", check, start=start, end=stop)

    def _ask(self, url: str, method: str, check: Callable | None = None, **what):
        wait = FIRST_WAIT
        for attempt in range(self.retries + 1):
            try:
                system, path = self._system(url)
                limit = {"timeout": self.timeout} if system.async_impl else {}
                answer = getattr(system, method)(path, **what, **limit)
                if check is not None:
                    check(answer)
                return answer
            except FetchError:
                raise
            except Exception as error:
                if _is_final(error) or attempt == self.retries:
                    raise _told(url, error, attempt + 1) from None
            time.sleep(wait * random.Random().uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT)

    def _system(self, url: str):
        """fsspec's file system of this process, which keeps its connections."""
        from fsspec.core import url_to_fs

        return url_to_fs(url, **self.options)


def _is_final(error: BaseException) -> bool:
    status = _status(error)
    if status is not None:
        return status < 500 and status not in TRY_LATER
    if isinstance(error, FileNotFoundError):  # fsspec says so of any failure by HTTP
        return error.__cause__ is None or isinstance(error.__cause__, FINAL)
    return isinstance(error, FINAL) or type(error).__name__ in FINAL_NAMES


def _status(error: BaseException | None) -> int | None:
    """The status of an answer by HTTP, of an error or of what caused it."""
    while error is not None:
        if isinstance(status := getattr(error, "status", None), int):
            return status
        error = error.__cause__
    return None


def _told(url: str, error: Exception, attempts: int) -> Exception:
    """The error about a file, in words without addresses: these may hold secrets."""
    name, status = public_name(url), _status(error)
    not_found = isinstance(error, FileNotFoundError) and status in (None, 404, 410)
    if not_found and _is_final(error):
        return FileNotFoundError(f"media file not found: {name}")
    if isinstance(error, ImportError):
        advice = 'pip install "mmstconv[cloud]" brings s3:// and https://'
        return FetchError(name, f"cannot be fetched: {error}", advice)
    if isinstance(error, MISTAKES):
        kind = type(error).__name__
        return type(error)(f"{name}: the storage options do not fit ({kind}: {error})")
    cause = error.__cause__ if isinstance(error, FileNotFoundError) else error
    reason = _reason(cause or error)
    if status is not None:
        reason = f"the server answered with status {status}"
    times = "" if attempts == 1 else f", {attempts} times"
    return FetchError(name, f"cannot be fetched: {reason}{times}")


def _reason(error: BaseException) -> str:
    code = getattr(error, "response", None)
    code = code.get("Error", {}).get("Code") if isinstance(code, dict) else None
    if code:  # of botocore
        return f"the store answered {code}"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "no answer in time"
    plain = type(error) in (OSError, ValueError) and not getattr(error, "errno", None)
    if plain:
        return str(error) if "://" not in str(error) else type(error).__name__
    text = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
