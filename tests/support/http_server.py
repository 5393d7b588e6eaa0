"""A mirror on this machine that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html>\n<html><head><title>Virus scan &amp; warning</title></head><body>Too large</body></html>"


@dataclass
class Mirror:
    """What it serves, and the requests it received.

    `behaviour` by path: `good`, `no-range`, `truncate` (declares all, sends half), `short` (declares and sends
    half), `long` (declares nothing, sends more), `lie` (declares more), `stall` (half, then nothing), `page`,
    `page-as-file`, `wrong` (other content of the size), `no-range-truncate` (declares all, sends 1 KB), `escape`
    (a reason with control characters), `hang-up`, `missing`, `other-range`, `big-range` (another size).
    """

    content: bytes
    url: str = ""
    received: list[tuple[str, str | None]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mirror(content: bytes) -> Iterator[Mirror]:
    state = Mirror(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            behaviour = self.path.strip("/").split("/")[0]
            state.received.append((behaviour, self.headers.get("Range")))
            answer(self, state, *state.received[-1])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler: BaseHTTPRequestHandler, state: Mirror, behaviour: str, wanted: str | None) -> None:
    content, half = state.content, len(state.content) // 2
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    if behaviour == "missing":
        handler.send_error(404)
    elif behaviour == "escape":
        handler.send_response(503, "\x1b[2JBusy\x07")
        handler.end_headers()
    elif behaviour in ("page", "page-as-file"):
        send(handler, 200, PAGE, len(PAGE), kind="text/html; charset=utf-8" if behaviour == "page" else None)
    elif wanted and behaviour in ("good", "truncate", "stall", "wrong", "other-range", "big-range"):
        body = (content if behaviour != "wrong" else bytes(len(content)))[start:]
        part = body[: len(body) // 2] if behaviour in ("truncate", "stall") else body
        shown, total = start - (behaviour == "other-range"), len(content) + (behaviour == "big-range")
        send(handler, 206, part, len(body), where=f"bytes {shown}-{total - 1}/{total}")
    elif behaviour != "hang-up":
        body, declared = {
            "short": (content[:half], half),
            "long": (content + b"more", None),
            "lie": (content, len(content) + 7),
            "truncate": (content[:half], len(content)),
            "no-range-truncate": (content[:1024], len(content)),
            "stall": (content[:half], len(content)),
            "wrong": (bytes(len(content)), len(content)),
        }.get(behaviour, (content, len(content)))
        send(handler, 200, body, declared)
    if behaviour == "stall":
        state.release.wait(30)


def send(handler, status, body, declared, *, kind=None, where=None) -> None:
    handler.send_response(status)
    headers = {
        "Content-Type": kind or "application/octet-stream",
        "Content-Length": declared,
        "Content-Range": where,
    }
    for name, value in headers.items():
        if value is not None:
            handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
