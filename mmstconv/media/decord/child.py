"""The program of decord's process. It is started by its path and imports no neighbour.

A request or answer is a length (4 bytes, little-endian), that many bytes of JSON, and
as many raw bytes as the JSON says. So nothing that comes from a decoder is executed.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator

LENGTH = struct.Struct("<I")
# Bytes that the process may take beyond what it has when it begins. A decoded frame of
# 40 megapixels takes 60 MB, and a decoder holds up to 17 of them.
MEMORY = 4 << 30
SAID_BYTES = 500


def send(stream, message: dict, data: bytes = b"") -> None:
    """Writes one message."""
    text = json.dumps({**message, "bytes": len(data)}).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    stream.write(data)
    stream.flush()


def receive(read: Callable[[int], bytes]) -> tuple[dict, bytes]:
    """Reads one message; ``read(n)`` returns n bytes."""
    message = json.loads(read(*LENGTH.unpack(read(LENGTH.size))))
    return message, read(message["bytes"])


class Decoder:
    """decord, with the file that was used last kept open."""

    def __init__(self, decord) -> None:
        self.decord = decord
        self.path = self.reader = None

    def count(self, path: str) -> int:
        """Opens a file anew and counts its frames."""
        self.close()
        self.reader = self.decord.VideoReader(path, num_threads=1)
        self.path = path
        return len(self.reader)

    def frames(self, path: str, numbers: list[int], together: int) -> Iterator:
        """Yields arrays ``(frames, H, W, 3)`` of up to ``together`` frames."""
        if path != self.path:
            self.count(path)
        for start in range(0, len(numbers), together):
            yield self.reader.get_batch(numbers[start : start + together]).asnumpy()

    def close(self) -> None:
        self.path = self.reader = None


def answer(decoder: Decoder, request: dict, answers) -> dict:
    """Does what a request asks for; returns the last message of the answer."""
    path = request["path"]
    try:
        if path is None:
            decoder.close()
        elif "frames" in request:
            wanted = request["frames"], request["together"]
            for images in decoder.frames(path, *wanted):
                send(answers, dict(shape=images.shape), images.tobytes())
        else:
            return dict(count=decoder.count(path))
    except Exception as error:  # decord raises errors of several kinds
        return dict(error=f"{type(error).__name__}: {error}"[:SAID_BYTES])
    return {}


def complaint() -> str:
    """What was written to stderr since the last call.

    decord and FFmpeg go on over damage and only say so there.
    """
    size = os.lseek(2, 0, os.SEEK_END)
    os.lseek(2, 0, os.SEEK_SET)
    said = os.read(2, min(size, SAID_BYTES)).decode(errors="replace").strip()
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    return said


def limit_memory(more: int) -> None:
    """Lets this process take at most this many more bytes from now on (on Linux)."""
    if sys.platform != "linux":
        return
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + more
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def serve(requests, answers) -> None:
    """Answers requests until their stream ends."""
    first, _ = receive(requests.read)
    sys.path[:] = first["sys_path"]
    import decord

    decord.logging.set_level(decord.logging.ERROR)
    limit_memory(MEMORY)
    decoder = Decoder(decord)
    send(answers, {})
    while True:
        try:
            request, _ = receive(requests.read)
        except struct.error:  # the end of stdin
            return
        message = answer(decoder, request, answers)
        said = complaint()
        if said:
            message.setdefault("error", said)
        send(answers, message)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    with os.fdopen(os.dup(1), "wb") as pipe, tempfile.TemporaryFile() as log:
        # What libraries print goes neither between the answers nor to the terminal.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        serve(sys.stdin.buffer, pipe)
