"""What an answer is made of: sentences of templates, each filled from evidence that it carries, and nothing else."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphrec.languages import Language, Voice

Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Evidence:
    """One value of an answer, and where it comes from."""

    what: str
    """Its place in the sentence, such as product, rank or fee."""
    value: Plain
    source: str
    """list, explanation, why-not, what-if, facts, portrait, policy, query, event or question."""
    date: str | None = None
    """The day as of which it holds; None: it has none."""
    field: str | None = None
    """The column, rule or number that it is."""
    path: str | None = None
    """The way from the customer to the product, where it is a reason."""
    record: int | None = None
    """Number of the entry of the decision record that holds it."""


@dataclass(frozen=True)
class Value:
    """A value as a sentence says it."""

    text: str
    evidence: Evidence


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer."""

    template: str
    """With [1], [2], … in place of its values."""
    values: tuple[Value, ...]
    text: str
    needed: bool
    """Whether no wording may leave it out."""


@dataclass
class Draft:
    """An answer in the making.

    Args:
        language: of its sentences.
        voice: who is spoken to.
    """

    language: Language
    voice: Voice = "adviser"
    sentences: list[Sentence] = field(default_factory=list)

    def say(self, key: str, *, needed: bool = False, **values: Value) -> None:
        """Add the sentence of a key of the table `ask`, filled with values.

        Args:
            needed: whether it stays in every wording, as a refusal or a warning does; the first sentence always does.
        """
        template = self.language.text(f"ask.{key}", self.voice)
        used = {name: value for name, value in values.items() if f"{{{name}}}" in template}
        first = 1 + sum(len(one.values) for one in self.sentences)
        signs = {name: f"[{number}]" for number, name in enumerate(used, first)}
        shown = {name: _within(seen(value.text), template) for name, value in used.items()}
        filled = self.language.fill(template, shown)
        sentence = Sentence(
            template=template.format_map(signs),
            values=tuple(used.values()),
            text=filled,
            needed=needed or not self.sentences,
        )
        self.sentences.append(sentence)

    @property
    def text(self) -> str:
        """All sentences, one a line."""
        return "\n".join(one.text for one in self.sentences)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the sentences rest on, each value once, in their order."""
        return tuple(dict.fromkeys(value.evidence for one in self.sentences for value in one.values))


def seen(text: str) -> str:
    """A text of a record on one line, without signs that nobody sees, such as those that turn the direction of writing.

    >>> seen("Wind\\nFund\\x1b[31m \\u202eevil")
    'Wind Fund[31m evil'
    """
    signs = (" " if sign.isspace() else sign for sign in text)
    return " ".join("".join(sign for sign in signs if unicodedata.category(sign)[0] != "C").split())


def _within(text: str, template: str) -> str:
    """A value without the point that its sentence ends with anyway."""
    return text.rstrip(" .。") if template.rstrip()[-1:] in ".。" and text[-1:] in ".。" else text


def named(values: Mapping[str, Plain]) -> str:
    """Columns with their values, as `a 1, b 2`."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
