"""Media files that name other files, and means to see whether those are opened."""

from __future__ import annotations

import ctypes
import os
import queue
import select
import socket
import struct
import threading
from pathlib import Path

IN_OPEN = 0x20
LIBC = ctypes.CDLL(None, use_errno=True)


class Openings:
    """Which files of a folder are opened, by any process, as the kernel tells it.

    Args:
        folder: Watched from now on, without its subfolders.
    """

    def __init__(self, folder: Path) -> None:
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK)
        watch = LIBC.inotify_add_watch(self.fd, os.fsencode(folder), IN_OPEN)
        if self.fd < 0 or watch < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def names(self) -> set[str]:
        """Names of the files opened since the last call."""
        data, names, start = b"", set(), 0
        while select.select([self.fd], [], [], 0)[0]:
            data += os.read(self.fd, 1 << 16)
        while start < len(data):
            _, _, _, size = struct.unpack_from("iIII", data, start)
            name = data[start + 16 : start + 16 + size].rstrip(b"\0")
            names |= {os.fsdecode(name)} - {""}
            start += 16 + size
        return names

    def close(self) -> None:
        os.close(self.fd)


class Server:
    """A local TCP server that remembers who connects, and answers nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.peers: queue.Queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            connection.close()
            self.peers.put(peer)

    def connections(self) -> int:
        """How many have connected since the last call."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            name, count = own.getsockname(), 0
            while self.peers.get(timeout=10) != name:  # they come in order
                count += 1
        return count

    def close(self) -> None:
        self.socket.close()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def replace_box(data: bytes, path: list[bytes], new: bytes) -> bytes:
    """Replaces the boxes at a path of an mp4 file's part, and corrects sizes above."""
    result, start = b"", 0
    while start < len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        part = data[start : start + size]
        if kind == path[0]:
            inner = path[1:]
            part = box(kind, replace_box(part[8:], inner, new)) if inner else new
        result += part
        start += size
    return result


def with_data_reference(content: bytes, entry: bytes) -> bytes:
    """An mp4 file (`moov` at the end) whose tracks' samples lie in another file."""
    table = box(b"dref", struct.pack(">II", 0, 1) + entry)
    path = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"]
    return replace_box(content, path, table)


def url_entry(address: str) -> bytes:
    """A data reference by address; its flags do not say that the file is complete."""
    return box(b"url ", struct.pack(">I", 0) + address.encode() + b"\0")


def alias_entry(target: Path, levels: int = -1) -> bytes:
    """A data reference by a Macintosh alias; by its absolute path with -1 levels up."""
    name, whole = target.name.encode(), os.fsencode(target)
    whole += b"\0" * (len(whole) % 2)
    alias = bytes(10) + bytes([0]) + bytes(27) + bytes(12)
    alias += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    alias += struct.pack(">hh", levels, levels) + bytes(16)
    alias += struct.pack(">HH", 2, len(whole)) + whole + struct.pack(">HH", 0xFFFF, 0)
    return box(b"alis", struct.pack(">I", 0) + alias)


def with_next_segment(content: bytes, title: bytes, name: str) -> bytes:
    """A Matroska file whose title has become the name of the file that follows it."""
    size = len(title)
    old = b"\x7b\xa9" + bytes([0x80 | size]) + title
    new = b"\x3e\x83\xbb" + bytes([0x80 | size - 1])  # an ID that is one byte longer
    assert size < 127 and content.count(old) == 1
    return content.replace(old, new + name.encode().ljust(size - 1, b"\0"))


def with_script_command(content: bytes, address: str) -> bytes:
    """An ASF file with a command to go to an address at its beginning."""
    kind, text = "URL".encode("utf-16-le"), address.encode("utf-16-le")
    command = bytes(16) + struct.pack("<HH", 1, 1) + struct.pack("<H", 3) + kind
    command += struct.pack("<IHH", 0, 0, len(address)) + text
    guid = bytes.fromhex("301afb1e620bd011a39b00a0c90348f6")
    command = guid + struct.pack("<Q", 24 + len(command)) + command
    size, count = struct.unpack_from("<QI", content, 16)
    head = content[:16] + struct.pack("<QI", size + len(command), count + 1)
    return head + content[28:30] + command + content[30:]
