"""JSON schemas of the TOML files that people write, so that editors complete and check them.

`tools/docs.py` writes them to docs/schema. A file names its schema in its first line: `#:schema` and a path or address.
"""

import json

import msgspec


def schema_text(title: str, kind: type) -> str:
    """The JSON schema of one kind of file.

    Args:
        title: what the schema is of, such as `policy.toml`.
        kind: the type of the file's content.

    Returns:
        The schema as indented JSON.
    """
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **msgspec.json.schema(kind)}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
