import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphrec import __version__
from graphrec.errors import SchemaOutdated, SettingsError
from graphrec.home import FORMAT, Home


def test_prepare_makes_and_marks_a_home_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "bank").prepare()
    assert json.loads(home.format_file.read_text()) == {"format": FORMAT, "graphrec": __version__}
    before = home.format_file.stat().st_mtime_ns
    assert home.prepare() == home == home.check()
    assert home.format_file.stat().st_mtime_ns == before
    assert [entry.name for entry in home.path.iterdir()] == ["format.json"]
    assert home.path.stat().st_mode & 0o777 == 0o700


def test_the_folders_of_a_home() -> None:
    home = Home(Path("bank"))
    vault, serving = (home.store, home.series, home.vectors, home.rejected), (home.snapshots, home.models)
    assert [part.name for part in vault] == ["store", "series", "vectors", "rejected.csv"]
    assert [part.name for part in serving] == ["snapshots", "models"]
    assert {part.parent for part in vault} == {Path("bank/vault")}
    assert {part.parent for part in serving} == {Path("bank/serving")}
    dated = home.at(datetime(2024, 6, 1, tzinfo=UTC))
    assert (dated.models, dated.working) == (
        Path("bank/serving/as-of/2024-06-01/models"), Path("bank/vault/as-of/2024-06-01/working"),
    )  # fmt: skip


def test_a_home_that_is_not_there_is_fine_to_look_at(tmp_path: Path) -> None:
    assert Home(tmp_path / "none").check().path == tmp_path / "none"
    assert not (tmp_path / "none").exists()


def test_a_newer_home_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99, "graphrec": "7.0.0"}')
    with pytest.raises(SchemaOutdated) as caught:
        Home(tmp_path).check()
    assert str(caught.value) == (
        f"home {tmp_path} has format 99, written by graphrec 7.0.0, and this is graphrec {__version__}, which reads "
        f"format {FORMAT}; install a newer graphrec or use another --home"
    )


def test_an_older_home_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 1, "graphrec": "0.1.0"}')
    for look in (Home(tmp_path).check, Home(tmp_path).prepare):
        with pytest.raises(SchemaOutdated) as caught:
            look()
        assert str(caught.value) == (
            f"home {tmp_path} has format 1, written by graphrec 0.1.0, and this is graphrec {__version__}, which works "
            f"with format {FORMAT}; run: graphrec upgrade"
        )


def test_others_lose_their_rights_to_a_home_with_the_next_command(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    (home.path / "notes").write_text("x")
    (home.path / "notes").chmod(0o664)
    home.path.chmod(0o755)
    home.check()
    assert [path.stat().st_mode & 0o777 for path in (home.path, home.path / "notes")] == [0o700, 0o600]
    (home.path / "notes").chmod(0o664)
    home.prepare()
    assert (home.path / "notes").stat().st_mode & 0o777 == 0o600


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(SettingsError, match=r"is not empty and is no home of graphrec \(it has no format.json\); name"):
        Home(tmp_path).prepare()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file, not a folder; name another one with --home"):
        Home(tmp_path / "file").check()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "x"}', '{"format"', "[" * 100_000, "\xff"])
def test_a_torn_format_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "format.json").write_text(content, "latin-1")
    with pytest.raises(
        SettingsError, match=r"format.json does not name a format \(want \{\"format\": 2\}\); restore it"
    ):
        Home(tmp_path).check()


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"cannot be made: Not a directory; name another one with --home$"):
        Home(tmp_path / "file" / "home").prepare()


def test_a_home_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "format.json").mkdir()
    with pytest.raises(
        SettingsError, match=r"^home .* cannot be read: Is a directory; give read access or name another"
    ):
        Home(tmp_path).check()
    with pytest.raises(SettingsError, match=r"^home .* cannot be read: File name too long; give read access or name"):
        Home(tmp_path / ("x" * 300)).check()
