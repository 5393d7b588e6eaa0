from __future__ import annotations

from pathlib import Path

import pytest
from privileges import permissions_count

from avgzsl_bench.errors import ConfigError, InaccessibleError
from avgzsl_bench.system.files import folder_fault
from avgzsl_bench.system.folders import is_there, sub_folders, user_path


def test_a_home_folder_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path("~/x") == Path("/home/me/x")
    assert user_path(Path("~")) == Path("/home/me")
    for same in ("x/~", "/x", "x~"):
        assert user_path(same) == Path(same)
    with pytest.raises(ConfigError, match="~no-such-user/x: there is no such home folder"):
        user_path("~no-such-user/x")


def test_what_cannot_be_looked_at_is_not_absent(tmp_path: Path) -> None:
    (tmp_path / "closed" / "in").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert is_there(tmp_path / "link")
    assert not is_there(tmp_path / "none")
    assert not is_there(tmp_path / "file" / "none")
    with pytest.raises(InaccessibleError, match="cannot be read: File name too long"):
        is_there(tmp_path / ("a" * 300))
    found, faults = sub_folders(tmp_path)
    assert [path.name for path in found] == ["closed"]
    fault = f"a broken link, to {tmp_path}/nowhere; mount its disk, or remove the link"
    assert faults == [(tmp_path / "link", f"{tmp_path}/link: cannot be read: {fault}")]
    assert sub_folders(tmp_path / "none") == sub_folders(tmp_path / "file") == ([], [])
    with pytest.raises(InaccessibleError, match="a broken link"):
        sub_folders(tmp_path / "link")
    assert (
        folder_fault(tmp_path / "link")
        == f"a broken link, to {tmp_path}/nowhere; mount its disk, or remove the link"
    )
    (tmp_path / "closed").chmod(0)
    with permissions_count():
        for look in (sub_folders, lambda path: is_there(path / "in")):
            with pytest.raises(InaccessibleError, match=r"closed.*: cannot be read: Permission denied"):
                look(tmp_path / "closed")
    (tmp_path / "closed").chmod(0o700)
