"""A mapping as a typed table: what editors complete and `parse_mapping` converts."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from graphrec.config.settings_file import RolesTable
from graphrec.loading.mapping.specs import Mask, Reader

Text = Annotated[str, Meta(pattern=r"\S", extra={"want": "a text"})]
Texts = Annotated[tuple[Text, ...], Meta(extra={"want": "a list of texts"})]
Sql = Annotated[Text, Meta(description="One SELECT of DuckDB over the tables of [source.files].")]
End = Annotated[Text, Meta(description="Label.column: whose key a column of the statement holds.")]
KnownAt = Annotated[Text | UnsetType, Meta(description="Column with the time from which it was known.")]


class FileTable(Struct, frozen=True):
    """One table of `[source.files]`; every other key is an option of DuckDB's reader."""

    path: Annotated[Text | UnsetType, Meta(description="Path or glob below --data.")] = UNSET
    reader: Annotated[Reader | UnsetType, Meta(description="How the file is read; default by its suffix.")] = UNSET
    optional: Annotated[bool, Meta(description="Whether the file may be absent.")] = False
    newest: Annotated[
        bool, Meta(description="Whether of several files only those of the latest day in their names are read.")
    ] = False
    sheet: Annotated[
        str | tuple[str, ...] | UnsetType,
        Meta(
            description="Of a workbook: which sheet is read, or which sheets with one header.",
            extra={"want": "a text or a list of texts"},
        ),
    ] = UNSET
    url_env: Annotated[
        Text | UnsetType, Meta(description="Of a database: the environment variable that holds its address.")
    ] = UNSET
    query: Annotated[Text | UnsetType, Meta(description="Of a database: the SELECT, in its SQL, that is read.")] = UNSET


class SourceTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[source]`: where the rows come from."""

    name: Annotated[Text, Meta(description="Owner of the rows: a later full load of the name replaces them.")]
    files: Annotated[
        dict[str, Annotated[Text | FileTable, Meta(extra={"want": "a path or a table with path = …"})]],
        Meta(description="Tables of the SQL: a path, or a table with path, reader and options."),
    ]


class ParseTable(Struct, frozen=True, forbid_unknown_fields=True):
    """How the text of a column is read; a value that does not fit is rejected."""

    type: Annotated[Literal["text", "integer", "real", "boolean", "time"], Meta(description="What the values are.")] = (
        "text"
    )
    # Plain texts: msgspec 0.22 crashes at exit on a union of a text with constraints and a tuple of such texts.
    format: Annotated[
        str | tuple[str, ...],
        Meta(
            description="Of a time: forms of strptime, iso, era (Japan), buddhist, minguo, hijri, sheet_days, or days, "
            "seconds, milliseconds, microseconds since 1970.",
            extra={"want": "a text or a list of texts"},
        ),
    ] = ()
    decimal: Annotated[Literal[".", ","], Meta(description="What stands before the decimals.")] = "."
    thousands: Annotated[
        Literal["", ".", ",", " ", "'", "’", "\u00a0", "\u202f"], Meta(description="What stands between thousands.")
    ] = ""
    null: Annotated[Texts, Meta(description="Texts that stand for a gap.")] = ()
    unit: Annotated[str, Meta(description="What may stand before or behind a number, such as EUR or %.")] = ""
    factors: Annotated[
        dict[str, Annotated[float, Meta(gt=0)]],
        Meta(
            description='Words behind a number, each with what it is multiplied by: 万 = 10000; "" is behind every one.'
        ),
    ] = {}
    latest: Annotated[
        Annotated[int, Meta(ge=1900, le=2200)] | UnsetType,
        Meta(description="The last of the hundred years that years of two digits (%y) lie in; without it 2068."),
    ] = UNSET


class ShowTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What people see beside a product, each with its column."""

    kind: Annotated[Text | UnsetType, Meta(description="Column with the kind of the product.")] = UNSET
    risk: Annotated[Text | UnsetType, Meta(description="Column with its risk class.")] = UNSET
    fee: Annotated[Text | UnsetType, Meta(description="Column with what it costs.")] = UNSET
    minimum: Annotated[Text | UnsetType, Meta(description="Column with the smallest amount.")] = UNSET


class CleanTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[nodes.Label.clean.COLUMN]`: how the values of one column are cleaned."""

    range: Annotated[
        tuple[float | str, float | str] | None, Meta(description="Numbers, or days, from the first to the second.")
    ] = None
    outside: Annotated[
        Literal["reject", "missing", "clip"],
        Meta(
            description="A value outside: its row is rejected, or it counts as missing, or it becomes the nearer end."
        ),
    ] = "reject"
    missing: Annotated[
        Literal["median", "band", "interpolation", "last"] | None,
        Meta(
            description="What stands for a gap: the median; that of those with the same value of `of`; what lies "
            "between the neighbours along `of`; the value that the store has. COLUMN_imputed marks it. Unset: a gap "
            "stays one."
        ),
    ] = None
    of: Annotated[Text | None, Meta(description="Another column, for band and interpolation.")] = None


Parse = Annotated[dict[str, ParseTable], Meta(description="By column of the statement: how its text is read.")]


class NodeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[nodes.Label]`."""

    key: Annotated[Text, Meta(description="Column that names the node.")]
    sql: Sql
    name: Annotated[Text | UnsetType, Meta(description="Column that a person reads.")] = UNSET
    text: Annotated[Texts, Meta(description="Columns that are embedded.")] = ()
    vector: Annotated[
        Text | UnsetType, Meta(description="Column with a vector made elsewhere, of an image or a recording.")
    ] = UNSET
    personal: Annotated[Texts, Meta(description="Columns that stay in the store.")] = ()
    protected: Annotated[Texts, Meta(description="Columns for audits that are part of no score.")] = ()
    sensitive: Annotated[Texts, Meta(description="Columns that never lead a customer's list.")] = ()
    known_at: KnownAt = UNSET
    crm_id: Annotated[Text | UnsetType, Meta(description="Column with the key of a CRM system.")] = UNSET
    adviser: Annotated[Text | UnsetType, Meta(description="Column with who looks after the customer.")] = UNSET
    data_as_of: Annotated[Text | UnsetType, Meta(description="Column with the time up to which values are kept.")] = (
        UNSET
    )
    show: Annotated[ShowTable, Meta(description="What people see beside a product.")] = ShowTable()
    parse: Parse = {}
    clean: Annotated[dict[str, CleanTable], Meta(description="By column: its range, and what stands for a gap.")] = {}
    fold: Annotated[bool, Meta(description="Whether keys that are one but for case and spaces are one node.")] = False


class EdgeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[edges.TYPE]`."""

    from_: End = field(name="from")
    to: End
    sql: Sql
    key: Annotated[Text | UnsetType, Meta(description="Column that tells events of one pair apart.")] = UNSET
    at: Annotated[Text | UnsetType, Meta(description="Column with the time when it was true.")] = UNSET
    known_at: KnownAt = UNSET
    weight: Annotated[Text | UnsetType, Meta(description="Column with how much of it.")] = UNSET
    protected: Annotated[bool, Meta(description="Whether the edge is part of no score.")] = False
    risk: Annotated[bool, Meta(description="Whether what shares its end is a concentration.")] = False
    sensitive: Annotated[bool, Meta(description="Whether it never leads a customer's list.")] = False
    until: Annotated[Text | UnsetType, Meta(description="Column with the time when it ended.")] = UNSET
    until_known_at: Annotated[
        Text | UnsetType, Meta(description="Column with the time from which its end was known.")
    ] = UNSET
    quantity: Annotated[
        Text | UnsetType, Meta(description="Column with a signed quantity: held is what sums to more than 0.")
    ] = UNSET
    half_life_days: Annotated[
        float | Literal["fit", "none"] | UnsetType,
        Meta(
            description='Days after which it is half the evidence; "fit" (default with at): chosen by the training.',
            extra={"want": 'a number of days above 0, "fit" or "none"'},
        ),
    ] = UNSET
    parse: Parse = {}


class SeriesTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[series.name]`."""

    of: End
    at: Annotated[Text, Meta(description="Column with the time.")]
    values: Annotated[
        tuple[Text, ...], Meta(min_length=1, description="Columns with numbers.", extra={"want": "a list of texts"})
    ]
    sql: Sql
    parse: Parse = {}


class EventTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[events.TYPE]`: what an event of a type is to the graph."""

    edge: Annotated[Text | UnsetType, Meta(description="Edge type from user to product that it becomes.")] = UNSET
    key: Annotated[
        Text | UnsetType, Meta(description="Key column of that edge type: an event that names a key is that very edge.")
    ] = UNSET
    covered_until: Annotated[
        Text | UnsetType,
        Meta(description="SELECT of one time: events without a key up to it are in the files, and are dropped."),
    ] = UNSET
    sets: Annotated[Texts, Meta(description="Columns of users that such an event may set, such as a consent.")] = ()


class DocumentTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[documents.NAME]`: texts that `graphrec extract` reads; a load leaves them alone."""

    sql: Sql
    key: Annotated[Text, Meta(description="Column that names the document.")]
    text: Annotated[Text, Meta(description="Column with its text.")]
    published: Annotated[Text, Meta(description="Column with the time from which it was known, in ISO form.")]
    title: Annotated[Text | UnsetType, Meta(description="Column with its title, which is its first sentence.")] = UNSET
    form: Annotated[
        Literal["text", "html", "pdf"],
        Meta(description="What the text is written in; pdf: the column has paths of PDF files in the folder."),
    ] = "text"


class SplitTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[split]`: which relevant edges an evaluation hides."""

    test: Annotated[Text, Meta(description="Statement of (user key, product key).")]
    valid: Annotated[Text | UnsetType, Meta(description="Statement of (user key, product key).")] = UNSET
    refit: Annotated[
        bool | Text,
        Meta(
            description="Whether validation pairs are training data in the end: true, false or SQL that gives one.",
            extra={"want": "true, false or SQL that gives a boolean"},
        ),
    ] = True
    mask: Annotated[Mask, Meta(description="Which known products are left out of lists.")] = "fitted"


Limit = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class LiveTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[live]`: what a model has to keep before it is made live; a key that is not there asks nothing."""

    min_ndcg_of_popularity: Annotated[
        Limit | None, Meta(description="nDCG on the test part, in that of the most popular products.")
    ] = None
    min_ndcg_of_live: Annotated[
        Limit | None,
        Meta(description="nDCG on the test part, in that of the live model's configuration on the same data."),
    ] = None
    min_overlap: Annotated[
        Share | None, Meta(description="How alike lists stay where 1 % of the interactions is lost.")
    ] = None
    max_damage: Annotated[
        Limit | None, Meta(description="What fake customers reach, in what they reach with plain item-kNN.")
    ] = None
    max_exposure: Annotated[
        Share | None, Meta(description="Places of an issuer, sector, seller above what test customers took of it.")
    ] = None
    max_group_gap: Annotated[
        Share | None, Meta(description="nDCG of a protected group below the others', where that is not chance.")
    ] = None


class MappingFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping: which rows of a bank's files are nodes, edges and series."""

    source: SourceTable
    roles: Annotated[RolesTable | UnsetType, Meta(description="Which labels and edge types play which part.")] = UNSET
    nodes: Annotated[dict[str, NodeTable], Meta(description="Nodes by label.")] = {}
    edges: Annotated[dict[str, EdgeTable], Meta(description="Edges by type.")] = {}
    series: Annotated[dict[str, SeriesTable], Meta(description="Time series by name.")] = {}
    split: Annotated[SplitTable | UnsetType, Meta(description="What an evaluation hides.")] = UNSET
    events: Annotated[dict[str, EventTable], Meta(description="What events are to the graph, by their type.")] = {}
    documents: Annotated[dict[str, DocumentTable], Meta(description="Texts for `graphrec extract`, by name.")] = {}
    reasons: Annotated[
        dict[str, Text | dict[str, Text]],
        Meta(description="Sentences by path of edge types; [reasons.zh] has those of a language."),
    ] = {}
    live: Annotated[LiveTable, Meta(description="What a model has to keep before it is made live.")] = LiveTable()
    words: Annotated[
        dict[str, dict[str, Text]], Meta(description="By language: what labels, edge types and names are called.")
    ] = {}
