"""Servers of files on this machine: one by HTTP with faults, one that speaks S3."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Files by HTTP, in ranges, and how the next requests go wrong.

    Attributes:
        files: ``{path: content}``.
        faults: Taken one a request, the first first: ``status:N``, ``stall`` (no answer
            until the server ends), ``cut:N`` (the connection ends after N bytes),
            ``fine``. The last stays for ever if ``always``.
        asked: Method, path with query and ``Range`` of each request.
        sent: Bytes of bodies.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.always = False
        self.asked: list[tuple[str, str, str | None]] = []
        self.sent = 0
        self.over = threading.Event()
        self.url = ""

    def next_fault(self) -> tuple[str, str]:
        fault = self.faults[0] if self.faults else "fine"
        if self.faults and not (self.always and len(self.faults) == 1):
            del self.faults[0]
        kind, _, number = fault.partition(":")
        return kind, number


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        site, wanted = self.site, self.headers["Range"]
        site.asked.append((self.command, self.path, wanted))
        kind, number = site.next_fault()
        if kind == "stall":
            site.over.wait(30)
            self.close_connection = True
            return
        content = site.files.get(self.path.partition("?")[0])
        if kind == "status" or content is None:
            self.send_response(int(number) if kind == "status" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = 0, len(content) - 1
        if wanted:
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
            last = min(last, len(content) - 1)
        body = content[first : last + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind == "cut":
            body = body[: int(number)]
            self.close_connection = True
        site.sent += len(body)
        self.wfile.write(body)


@contextmanager
def http_site():
    """Yields a :class:`Site`; its ``url`` ends in a slash."""
    site = Site()
    handler = type("Handler", (_Handler,), dict(site=site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def s3_server():
    """Yields the address of a server that speaks S3, as boto3 and s3fs want it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
