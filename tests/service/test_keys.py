"""Keys: shown once, kept as hashes, revoked at once."""

from pathlib import Path

import pytest

from graphrec.errors import SettingsError, UnknownId, UsageError
from graphrec.service.access.keys import FILE, Keys
from graphrec.service.access.roles import ROLES


def test_a_key_opens_until_it_is_revoked(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    assert not keys.any()
    key, text = keys.make("app", "service")
    other = Keys(tmp_path)  # another process
    caller = other.caller(text)
    assert caller is not None
    assert (caller.id, caller.role, caller.adviser) == (key.id, "service", None)
    assert keys.any()
    keys.revoke(key.id)
    assert other.caller(text) is None
    assert not other.any()
    assert other.all()[0].revoked is not None


def test_the_file_holds_no_secret_and_nobody_else_reads_it(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    _, text = keys.make("app", "service")
    content = (tmp_path / FILE).read_text("utf-8")
    assert text not in content
    assert text.split("_", 2)[2] not in content
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", ["", "x", "grk_00000000_", "grk_", "grk__"])
def test_other_texts_open_nothing(tmp_path: Path, change: str) -> None:
    keys = Keys(tmp_path)
    key, text = keys.make("app", "service")
    assert keys.caller(change) is None
    assert keys.caller(text[:-1]) is None
    assert keys.caller(text + "x") is None
    assert keys.caller(text.replace(key.id, "0" * 8)) is None


def test_roles_and_advisers_are_checked(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    with pytest.raises(UsageError, match=r"^there is no role 'boss'; want one of service, adviser"):
        keys.make("x", "boss")
    with pytest.raises(UsageError, match="needs --adviser ID"):
        keys.make("x", "adviser")
    with pytest.raises(UsageError, match="not of service"):
        keys.make("x", "service", "A1")
    for role in ROLES:
        keys.make(role, role, "A1" if role == "adviser" else None)
    assert [key.role for key in keys.all()] == list(ROLES)
    with pytest.raises(UnknownId, match="there is no key 'zzz'"):
        keys.revoke("zzz")


def test_a_damaged_file_opens_nothing_and_says_so(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    _, text = keys.make("app", "service")
    (tmp_path / FILE).write_text('{"keys": [{"id": 1}]}', "utf-8")
    with pytest.raises(SettingsError, match=r"access.json is damaged \(TypeError\); restore it from a backup"):
        Keys(tmp_path).caller(text)
