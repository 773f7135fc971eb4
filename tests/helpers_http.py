"""A server of one file on this machine, with the faults that tests ask for."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """What is served, and how.

    Args:
        content: Of the file.

    Attributes:
        faults: Taken one a request, the first first: ``cut:N`` (the connection ends
            after N bytes of the body), ``status:N``, ``page`` (HTML with status 200).
        ranges: Whether ``Range`` is understood.
        if_range: Whether ``If-Range`` is.
        validators: Whether an ``ETag`` is sent.
        length: Whether ``Content-Length`` is sent.
        asked: The ``Range`` of each request, None without.
        paths: The path of each request.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.faults: list[str] = []
        self.ranges = self.if_range = self.validators = self.length = True
        self.asked: list[str | None] = []
        self.paths: list[str] = []
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, *args):
        pass

    def do_GET(self):
        site = self.site
        wanted = self.headers["Range"]
        site.asked.append(wanted)
        site.paths.append(self.path)
        kind, _, number = (site.faults.pop(0) if site.faults else "").partition(":")
        if kind == "status":
            self.send_error(int(number))
            return
        body = b"<html>sign in</html>" if kind == "page" else site.content
        tag = f'"{hashlib.sha1(body).hexdigest()}"'
        start = 0
        if site.ranges and wanted:
            known = self.headers["If-Range"]
            if not site.if_range or known in (None, tag):
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(body) and start:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
        if site.validators:
            self.send_header("ETag", tag)
        if site.length:
            self.send_header("Content-Length", str(len(body) - start))
        self.send_header("Content-Type", "text/html" if kind == "page" else "x/y")
        self.end_headers()
        body = body[start:]
        self.wfile.write(body[: int(number)] if kind == "cut" else body)


@contextmanager
def serving(content: bytes):
    """Yields a :class:`Site`; its ``url`` ends in a slash."""
    site = Site(content)
    handler = type("Handler", (_Handler,), dict(site=site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
