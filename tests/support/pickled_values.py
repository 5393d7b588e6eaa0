"""Values to pickle: plain ones, and one that pickles as a call."""

from __future__ import annotations

import numpy as np

VALUE = {
    "features": [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0,), np.float16)],
    "video_names": [b"v_0", np.bytes_(b"v_1"), "v_2"],
    "fps": (25, 2**70, -1, 2.5, None, True),
    "arrays": [np.arange(4, dtype=">f4"), np.asfortranarray(np.ones((2, 3))), np.array(["a", "bcd"])],
    "objects": np.array([{"a": np.float32(1)}, None], dtype=object),
    "names": np.array([b"x", b"yz"], "S80"),
    "latin": bytes(range(256)),
}


class Evil:
    """Pickles as a call of something."""

    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.plan = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[object, ...]:
        return self.plan
