"""The columns of CRM systems: shipped maps keep their makers' limits, long values are refused or cut, files split."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.config.settings import Settings
from graphrec.delivery import field_maps
from graphrec.delivery.field_maps import field_map, shipped
from graphrec.delivery.rows import Rows, Run
from graphrec.delivery.sinks import Target, deliver
from graphrec.delivery.text_files import CSV
from graphrec.errors import SettingsError, UsageError
from graphrec.home import Home
from graphrec.serving.engine import Engine
from tests.served import LISTED

#: What the makers state: bytes and rows of a file, signs of a text, names of columns.
LIMITS = {
    "salesforce": (100_000_000, 150_000_000, 32_000, r"\w{1,40}(__r\.\w{1,40})?"),
    "hubspot": (512_000_000, 1_048_575, 65_536, r".{1,100}"),
    "dynamics": (8_000_000, 1_048_575, 1_048_576, r".{1,50}"),
}


def mapped(engine: Engine, path: Path, wanted: field_maps.FieldMap, k: int = 3) -> list[str]:
    target = Target(
        engine, path, False, bom=False, open_store=lambda: None, texts=lambda: None, fields=wanted  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    rows = Rows(engine, Run.of(engine, k, LISTED))
    return deliver(CSV, target, k, LISTED, rows=rows).lines()


def without_keys(wanted: field_maps.FieldMap) -> field_maps.FieldMap:
    """The map for a bank without keys of a CRM."""
    columns = tuple(msgspec.structs.replace(one, required=False) for one in wanted.columns)
    return msgspec.structs.replace(wanted, columns=columns)


@pytest.mark.parametrize("name", ["dynamics", "hubspot", "salesforce"])
def test_a_shipped_map_keeps_the_limits_of_its_maker(name: str, engine: Engine, tmp_path: Path) -> None:
    assert set(shipped()) == set(LIMITS)
    found = field_map(name)
    size, rows, text, head = LIMITS[name]
    assert found.file.max_bytes <= size
    assert found.file.max_rows <= rows
    assert found.file.source.startswith("https://")
    for column in found.columns:
        assert column.max_length <= text
        assert re.fullmatch(head, column.name)
    mapped(engine, tmp_path / "lists.csv", without_keys(found))
    content = (tmp_path / "lists.csv").read_bytes()
    assert content.count(b"\r\n") == (0 if found.file.line_end == "LF" else content.count(b"\n"))
    table = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert list(table[0]) == [column.name for column in found.columns]
    keys = {row[found.columns[0].name] for row in table}
    assert len(keys) == len(table) == 59 * 3
    assert all(re.fullmatch(r"export-\d{8}-[0-9a-f]{16}/C\d{3}/P\d\d", key) for key in keys)


def test_what_is_too_long_is_cut_or_refused_and_a_full_file_is_followed_by_another(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'title = "Ours"\n[file]\nsource = "our manual"\nmax_bytes = 2_000\nmax_rows = 40\nmax_columns = 3\n'
        '[[columns]]\nname = "Key"\nvalue = "{user}/{product}"\nmax_length = 20\n'
        '[[columns]]\nname = "Why"\nvalue = "{reason}"\nmax_length = 12\ntoo_long = "cut"\n'
        '[[columns]]\nname = "Day"\nvalue = "{generated_at}"\nform = "date"\nmax_length = 10\n'
    )
    lines = mapped(engine, tmp_path / "lists.csv", field_map(str(file)))
    parts = sorted(tmp_path.glob("lists*.csv"), key=lambda one: (len(one.name), one.name))
    parts.remove(tmp_path / "lists.without.csv")
    tables = [list(csv.DictReader(one.read_text("utf-8").splitlines())) for one in parts]
    assert sum(map(len, tables)) == 59 * 3
    assert all(len(table) <= 40 for table in tables)
    assert all(one.stat().st_size <= 2_000 for one in parts)
    assert all(len(row["Why"]) <= 12 and re.fullmatch(r"\d{4}-\d\d-\d\d", row["Day"]) for row in tables[0])
    assert any(re.fullmatch(r"\d+ values were longer than their columns and end with …", line) for line in lines)
    refusing = file.read_text().replace('too_long = "cut"\n', "")
    file.write_text(refusing)
    with pytest.raises(UsageError, match=r"Why of user C\d+ and product P\d+ has \d+ signs, and Ours takes 12"):
        mapped(engine, tmp_path / "other.csv", field_map(str(file)))
    assert not (tmp_path / "other.csv").exists()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"{product}"', '"{produkt}"', "there is no 'produkt'; want user, product"),
        ('"Rank__c"', '"Rank"\n#', None),
        ('name = "Rank__c"', 'name = "Our rank"', "'Our rank' is no name of a column"),
        ('name = "Rank__c"', 'name = "Run__c"', "'Run__c' is there twice"),
        ("max_columns = 5_000", "max_columns = 2", "13 columns, and a file may have 2"),
    ],
)
def test_a_map_that_breaks_its_own_limits_is_refused(tmp_path: Path, old: str, new: str, problem: str | None) -> None:
    text = (Path(field_maps.__file__).parent / "maps" / "salesforce.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "own.toml").write_text(text.replace(old, new, 1), "utf-8")
    if problem is None:
        assert field_map(str(tmp_path / "own.toml")).columns[4].name == "Rank"
        return
    with pytest.raises(SettingsError, match=re.escape(problem)):
        field_map(str(tmp_path / "own.toml"))


def test_a_map_goes_with_a_csv_and_needs_the_keys_of_the_crm(
    own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bank = Bank(Settings(home=own_home.path, policy="none"))
    wanted = Export(to="lists.csv", k=1, record=False, map="salesforce")
    with pytest.raises(UsageError, match=r"has no \{crm_id\}, and Contact__r.Crm_Id__c of Salesforce"):
        bank.export(wanted)
    with pytest.raises(UsageError, match=r"--map salesforce writes a \.csv, and --to lists.xlsx is none"):
        bank.export(replace(wanted, to="lists.xlsx"))
    with pytest.raises(SettingsError, match="--map sap: no such file; want one of dynamics, hubspot, salesforce"):
        bank.export(replace(wanted, map="sap"))
    assert not list(tmp_path.glob("lists*"))
