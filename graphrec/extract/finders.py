"""Names in texts that no node of the graph has, by a model of the bank's choice: spaCy or GLiNER.

They are kept apart, for a person to look at: nothing that such a model finds becomes a node or an edge by itself, and
names of persons are left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from graphrec.errors import ModelError, UsageError
from graphrec.extract.documents import Document
from graphrec.extract.linking import Gazetteer

PERSONS = {"person", "per", "people"}
FORMS = ("spacy", "gliner")


class Finder(Protocol):
    """Finds names in a sentence."""

    def names(self, sentence: str) -> list[tuple[int, int, str]]:
        """Where each name begins and ends, and its kind."""
        ...


@dataclass(frozen=True)
class Unknown:
    """A name that no node has."""

    name: str
    kind: str
    """As the model calls it."""
    documents: int
    document: str
    """The first that has it."""
    sentence: str
    """Of that document."""


class Spacy:
    """A pipeline of spaCy with a recogniser of names."""

    def __init__(self, model: str) -> None:
        import spacy  # type: ignore[import-not-found]

        try:
            self._pipeline = spacy.load(model)
        except OSError as error:
            raise ModelError(f"spaCy has no model {model} ({error}); run: python -m spacy download {model}") from None

    def names(self, sentence: str) -> list[tuple[int, int, str]]:
        """Where each name begins and ends, and its kind."""
        return [(one.start_char, one.end_char, one.label_) for one in self._pipeline(sentence).ents]


class Gliner:
    """A model of GLiNER, asked for the labels of the graph."""

    def __init__(self, model: str, labels: Sequence[str]) -> None:
        from gliner import GLiNER  # type: ignore[import-not-found]

        self._model, self._labels = GLiNER.from_pretrained(model), list(labels)

    def names(self, sentence: str) -> list[tuple[int, int, str]]:
        """Where each name begins and ends, and its kind."""
        found = self._model.predict_entities(sentence, self._labels)
        return [(int(one["start"]), int(one["end"]), str(one["label"])) for one in found]


def finder_named(name: str, labels: Sequence[str]) -> Finder:
    """The finder of a name such as spacy:en_core_web_sm or gliner:FOLDER.

    Args:
        labels: of the graph, which GLiNER is asked for.

    Raises:
        UsageError: there is no such finder, or its package is not installed.
        ModelError: spaCy does not have the model.
    """
    form, _, model = name.partition(":")
    if form not in FORMS or not model:
        raise UsageError(f"--finder is {name!r}; want spacy:MODEL or gliner:MODEL, such as spacy:en_core_web_sm")
    try:
        return Spacy(model) if form == "spacy" else Gliner(model, labels)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--finder {name} needs the Python package {error.name}, which no extra of graphrec brings; "
            f"run: pip install {form}"
        ) from None


def unknown_names(documents: Iterable[Document], gazetteer: Gazetteer, finder: Finder) -> list[Unknown]:
    """The names that no node has, those of most documents first.

    A name counts where no link of the gazetteer overlaps it.
    """
    found: dict[tuple[str, str], Unknown] = {}
    seen: dict[tuple[str, str], set[str]] = {}
    for document, sentence, name, kind in _names(documents, gazetteer, finder):
        key = (name.casefold(), kind)
        found.setdefault(key, Unknown(name, kind, 0, document, sentence))
        seen.setdefault(key, set()).add(document)
    counted = [
        Unknown(one.name, one.kind, len(seen[key]), one.document, one.sentence) for key, one in found.items()
    ]  # fmt: skip
    return sorted(counted, key=lambda one: (-one.documents, one.kind, one.name))


def _names(documents: Iterable[Document], gazetteer: Gazetteer, finder: Finder) -> Iterator[tuple[str, str, str, str]]:
    for document in documents:
        for sentence in document.sentences:
            links = gazetteer.links(sentence)
            for start, end, kind in finder.names(sentence):
                name = " ".join(sentence[start:end].split())
                is_known = any(link.start < end and start < link.end for link in links)
                if name and not is_known and kind.casefold() not in PERSONS:
                    yield document.id, sentence, name, kind
