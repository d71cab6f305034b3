import json
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


def test_the_folders_of_a_home() -> None:
    home = Home(Path("bank"))
    parts = (home.store, home.series, home.snapshots, home.vectors, home.models, home.records)
    assert [part.name for part in parts] == ["store", "series", "snapshots", "vectors", "models", "records"]
    assert {part.parent for part in parts} == {Path("bank")}


def test_a_home_that_is_not_there_is_fine_to_look_at(tmp_path: Path) -> None:
    assert Home(tmp_path / "none").check().path == tmp_path / "none"
    assert not (tmp_path / "none").exists()


def test_a_newer_home_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99, "graphrec": "7.0.0"}')
    with pytest.raises(SchemaOutdated) as caught:
        Home(tmp_path).check()
    assert str(caught.value) == (
        f"home {tmp_path} has format 99, written by graphrec 7.0.0, and this is graphrec {__version__}, which reads "
        f"formats up to {FORMAT}; install a newer graphrec or use another --home"
    )


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
        SettingsError, match=r"format.json does not name a format \(want \{\"format\": 1\}\); restore it"
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
