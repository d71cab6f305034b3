"""Reading TOML: what is too large, too deep or no TOML is one line with its place, quickly; lines of keys."""

import os
import time
from pathlib import Path

import pytest

from graphrec.config.document import LIMIT_BYTES, LIMIT_DEPTH, key_text, parse_toml, read_toml
from graphrec.errors import SettingsError

TEXT = '''# first
a = 1
"q.x" = "b"
b.c.d = [1,
 2]
[t]
x = """
foo
bar"""
y = 2
z = """on the same line"""
[[rule]]
id = "[[rule]]"
[[rule]]
id = 'b = 1'  # c = 2
[rule.sub]
k = {a = 1, b = {c = 2}}
[rule.sub."it\\"s"]
v = 1
'''

LARGE = LIMIT_BYTES - 100
HOSTILE = {
    "500 brackets": "a=" + "[" * 500 + "]" * 500,
    "500 tables": "a=" + "{a=" * 500 + "1" + "}" * 500,
    "brackets that never close": "a=" + "[" * LARGE,
    "100,000 dots": ".".join("a" * 100_000) + "=1",
    "100,000 dots in a header": "[" + ".".join("a" * 100_000) + "]",
    "100,000 quoted dots": ".".join(['"a"'] * 100_000) + "=1",
    "400 digits": "a=" + "1" * 400,
    "50,000 hexadecimal digits": "a=0x" + "1" * 50_000,
    "a number beyond 64 bits": "a=9223372036854775808",
    "an infinite number": "a=1e400",
    "no number": "a={b=[nan]}",
    "a million quotes": '"' * LARGE,
    "a million apostrophes": "'" * LARGE,
    "text that never ends": 'a="""' + '\\"""' * (LARGE // 4),
    "a million backslashes": 'a="' + "\\" * LARGE,
    "a million spaces": "a=" + " " * LARGE,
    "half a million empty lines in a list": "a=[" + " \n" * (LARGE // 2),
    "half a million dots": "a=" + "." * LARGE,
    "one word": "a" * LARGE,
    "too large": "#" * (LIMIT_BYTES + 1),
    "an escape in a key": '"\\u001b[31m\\n" = nan',
    "an escape": "\x1b[31m = 1",
    "a carriage return": "a=1\rb",
    "a date that is none": "a=2026-13-45",
}


def test_the_line_of_every_key() -> None:
    document = parse_toml(TEXT, "my.toml", SettingsError)
    lines = {
        ("a",): 2,
        ("q.x",): 3,
        ("b", "c", "d"): 4,
        ("b", "c", "d", 1): 4,
        ("t",): 6,
        ("t", "x"): 7,
        ("t", "y"): 10,
        ("rule", 0): 12,
        ("rule", 0, "id"): 13,
        ("rule", 1): 14,
        ("rule", 1, "id"): 15,
        ("rule", 1, "sub"): 16,
        ("rule", 1, "sub", "k", "b", "c"): 17,
        ("rule", 1, "sub", 'it"s', "v"): 19,
    }
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(("nowhere",)) is None
    assert document.place(("t", "y")) == "my.toml line 10"
    assert document.place() == "my.toml"
    assert [document.value_line(("t", key)) for key in "xyz"] == [8, 10, 11]


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_file_may_be_is_one_quick_line(name: str) -> None:
    begin = time.process_time()
    with pytest.raises(SettingsError) as caught:
        parse_toml(HOSTILE[name], "my.toml", SettingsError)
    assert time.process_time() - begin < 10
    message = str(caught.value)
    assert message.startswith("my.toml is larger than 1 MiB" if name == "too large" else "my.toml line ")
    assert message.isprintable()
    assert len(message) < 300


def test_the_line_of_what_is_too_deep() -> None:
    deep = "\n".join(
        ["a = 1", "# b = [[[[", 's = "[[[[[[["', "c = " + "[" * (LIMIT_DEPTH + 1) + "]" * (LIMIT_DEPTH + 1)]
    )
    with pytest.raises(SettingsError, match=r"^my.toml line 4 nests more than 32 brackets or dots; correct it$"):
        parse_toml(deep, "my.toml", SettingsError)
    fits = "c = " + "[" * LIMIT_DEPTH + "]" * LIMIT_DEPTH + "\n" + "s = '" + "." * 100 + "'  # " + "." * 100
    assert list(parse_toml(fits, "my.toml", SettingsError).content) == ["c", "s"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere.toml cannot be read: No such file or directory; correct the"):
        read_toml(tmp_path / "nowhere.toml", SettingsError)
    with pytest.raises(SettingsError, match=r" cannot be read: Is a directory; correct the path or its rights$"):
        read_toml(tmp_path, SettingsError)
    file = tmp_path / "a.toml"
    file.write_bytes(b"a = 1\nb = '\xff'")
    with pytest.raises(SettingsError, match=r"a.toml line 2 is not UTF-8 text \(invalid start byte\); save "):
        read_toml(file, SettingsError)
    file.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    document = read_toml(file, SettingsError)
    assert (document.content, document.line(("b",))) == ({"a": 1, "b": 2}, 2)
    file.write_bytes(b"#" * (LIMIT_BYTES + 1))
    with pytest.raises(SettingsError, match=r"a.toml is larger than 1 MiB, the limit of a TOML file; make it smaller$"):
        read_toml(file, SettingsError)


def test_how_a_key_is_written() -> None:
    assert key_text(("rule", 3, "id")) == "rule.id"
    assert key_text(("edges", "LI KES", "行业", "a\nb")) == 'edges."LI KES".行业."a\\u000ab"'


def test_a_pipe_that_nobody_writes_to_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.toml")
    for path in (tmp_path / "a.toml", Path("/dev/null")):
        with pytest.raises(SettingsError, match=f"^{path} is no file; name a file of its own$"):
            read_toml(path, SettingsError)
