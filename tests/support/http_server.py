"""A server on this machine that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html>\n<html><head><title>Virus scan &amp; warning</title></head><body>Too large</body></html>"


@dataclass
class Server:
    """What it serves, and the requests it received: behaviour, `Range`, `If-Range`.

    `behaviour` by path: `good`; `no-range`; `unmarked` (no validator); `truncate` (declares all, sends half);
    `long` (sends more than the rest of the file); `undeclared` (states no size); `stall` (half, then nothing);
    `page`; `page-as-file`; `changed` (another file, and it says so); `changed-range` (the rest of another file);
    `no-range-truncate` (sends 1 KB); `escape` (a reason with control characters); `hang-up`; `missing`;
    `other-range`; `gone-range` (the range is beyond the file).
    """

    content: bytes
    url: str = ""
    received: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def at(self, behaviour: str) -> str:
        """The address of the file with a behaviour."""
        return f"{self.url}/{behaviour}/own.zip"


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    state = Server(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            behaviour = self.path.strip("/").split("/")[0]
            state.received.append((behaviour, self.headers.get("Range"), self.headers.get("If-Range")))
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


def answer(handler, state: Server, behaviour: str, wanted: str | None, same: str | None) -> None:
    content, half = state.content, len(state.content) // 2
    tag = None if behaviour == "unmarked" else '"2"' if behaviour.startswith("changed") else '"1"'
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    ranges = "no-range" not in behaviour and behaviour != "undeclared"
    if behaviour == "missing":
        handler.send_error(404)
    elif behaviour == "escape":
        handler.send_response(503, "\x1b[2JBusy\x07")
        handler.end_headers()
    elif behaviour == "gone-range" and wanted:
        handler.send_error(416)
    elif behaviour in ("page", "page-as-file"):
        send(handler, 200, PAGE, len(PAGE), kind="text/html; charset=utf-8" if behaviour == "page" else None)
    elif wanted and ranges and (same in (None, tag) or behaviour == "changed-range"):
        body = content[start:] + b"more" * (behaviour == "long")
        part = body[: len(body) // 2] if behaviour in ("truncate", "stall") else body
        where = f"bytes {start - (behaviour == 'other-range')}-{len(content) - 1}/{len(content)}"
        send(handler, 206, part, len(body), where=where, tag=tag)
    elif behaviour != "hang-up":
        body, declared = {
            "truncate": (content[:half], len(content)),
            "no-range-truncate": (content[:1024], len(content)),
            "stall": (content[:half], len(content)),
            "undeclared": (content, None),
        }.get(behaviour, (content, len(content)))
        send(handler, 200, body, declared, tag=tag)
    if behaviour == "stall":
        state.release.wait(30)


def send(handler, status, body, declared, *, kind=None, where=None, tag=None) -> None:
    handler.send_response(status)
    headers = {
        "Content-Type": kind or "application/octet-stream",
        "Content-Length": declared,
        "Content-Range": where,
        "ETag": tag,
    }
    for name, value in headers.items():
        if value is not None:
            handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
