"""JSON schemas of the TOML files that people write, so that editors complete and check them.

`tools/docs.py` writes them to docs/schema. A file names its schema in its first line:
`#:schema https://…/docs/schema/policy.schema.json`, or a path.
"""

import json

import msgspec

from graphrec.config.settings_file import SettingsFile

SCHEMAS: dict[str, tuple[str, type]] = {"graphrec.schema.json": ("graphrec.toml", SettingsFile)}
"""By the name of the schema: the file that it is for, and the type of its content."""


def schema_text(name: str) -> str:
    """The JSON schema of one kind of file.

    Args:
        name: a key of SCHEMAS.

    Returns:
        The schema as indented JSON.
    """
    title, kind = SCHEMAS[name]
    schema = msgspec.json.schema(kind)
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
