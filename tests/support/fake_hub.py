"""A hub of models on this machine, with one repository at one revision."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Hub:
    """Its address, its files by name, and the paths that were asked for."""

    files: Mapping[str, bytes]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def environment(self, home: str) -> dict[str, str]:
        """The variables with which a program uses this hub, and a cache of its own."""
        return {"HF_ENDPOINT": self.url, "HF_HOME": home, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}


@contextmanager
def hub(repository: str, revision: str, files: Mapping[str, bytes]) -> Iterator[Hub]:
    state = Hub(files)
    tree, resolve = f"/api/models/{repository}/tree/{revision}", f"/{repository}/resolve/{revision}/"

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def answer(self, body: bool) -> None:
            path = urlsplit(self.path).path
            name = path.removeprefix(resolve)
            content, headers = b"", {}
            if path == tree:
                rows = [
                    {"type": "file", "path": name, "size": len(content), "oid": digest(content)}
                    for name, content in files.items()
                ]
                content = json.dumps(rows).encode()
                headers["Content-Type"] = "application/json"
            elif path.startswith(resolve) and name in files:
                state.asked.append(name)
                content = files[name]
                headers |= {"ETag": f'"{digest(content)}"', "X-Repo-Commit": revision}
            else:
                headers["X-Error-Code"] = "RevisionNotFound"
            self.send_response(200 if content else 404)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
