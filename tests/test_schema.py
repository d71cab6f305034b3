"""Two mappings in one home."""

from graphrec.schema import Column, GraphSchema, NodeSchema, Roles


def schema(node: NodeSchema) -> GraphSchema:
    return GraphSchema(Roles("Person", "Fund", ()), {"Person": node}, {})


def test_what_either_mapping_marks_is_in_no_text() -> None:
    columns = tuple(Column(name, "text") for name in ("faith", "job", "note"))
    one = schema(NodeSchema("Person", columns, text=("job", "faith", "note")))
    other = schema(NodeSchema("Person", columns, personal=("note",), protected=("faith",)))
    for merged in (one.merge(other), other.merge(one)):
        assert merged.nodes["Person"].text == ("job",)
