"""Relations, links and tone from texts on public sets: finred, zh-news with ashare-kg, phrasebank.

    python benchmarks/language.py [finred] [links] [phrasebank] [zh-tone]

Classifiers read words and the vectors of the encoder that graphrec extract fit takes.

finred: fitted on train, the least probability of a second relation of a pair chosen on dev, judged once on test: micro
F1 over the pairs that are given, and over those that train does not have. links: headlines against the labelled
companies whose name is in the graph; a link to another company that the headline names counts as wrong, so that
precision is a lower bound. Tone: five stratified folds, seed 0.
"""

import csv
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from graphrec.extract.classifier import Classifier, Rows, tone_features
from graphrec.extract.linking import Entity, Gazetteer, Known, _folded
from graphrec.extract.relations import pair_features
from graphrec.extract.vectors import Vectors
from graphrec.features.sources.text.cache import Encodes, VectorCache
from graphrec.features.sources.text.source import encoder_for
from graphrec.progress import Progress, silent

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
Pair = tuple[str, str, str]


def finred() -> str:
    """Relations of given pairs."""
    parts = {name: _triples(name) for name in ("train", "dev", "test")}
    rows = [(pair, relation) for pair, relations in parts["train"].items() for relation in sorted(relations)]
    vectors = _vectors([sentence for part in parts.values() for sentence, *_ in part])

    def read(pairs: Sequence[Pair]) -> Rows:
        return Rows.of([pair_features(*pair) for pair in pairs], vectors.of_pairs([pair[1:] for pair in pairs]))

    model = Classifier.fit(read([pair for pair, _ in rows]), [relation for _, relation in rows])
    seen = {(head.casefold(), tail.casefold()) for _, head, tail in parts["train"]}
    found = {name: model.probabilities(read([*parts[name]])) for name in ("dev", "test")}

    def f1(name: str, least: float, *, unseen: bool = False) -> float:
        right = said = there = 0
        for (_, head, tail), wanted, row in zip(parts[name], parts[name].values(), found[name], strict=True):
            if unseen and (head.casefold(), tail.casefold()) in seen:
                continue
            told = {model.classes[place] for place in (*np.flatnonzero(row >= least), row.argmax())}
            right, said, there = right + len(told & wanted), said + len(told), there + len(wanted)
        return 2 * right / (said + there)

    least = max((0.2, 0.3, 0.4, 0.5), key=lambda one: f1("dev", one))
    return (
        f"micro F1 {f1('test', least):.4f}, pairs that train lacks {f1('test', least, unseen=True):.4f} (from {least})"
    )


def _triples(name: str) -> dict[Pair, set[str]]:
    found: dict[Pair, set[str]] = {}
    sentences, tuples = ((DATA / "finred" / f"{name}.{end}").read_text("utf-8").splitlines() for end in ("sent", "tup"))
    for sentence, line in zip(sentences, tuples, strict=True):
        for part in line.split("|"):
            head, tail, relation = (one.strip() for one in part.split(";"))
            found.setdefault((sentence.strip(), head, tail), set()).add(relation)
    return found


def links() -> str:
    """Companies of headlines."""
    folder = DATA / "ashare-kg"
    stocks = {_number(row["stock_id:ID(Stock)"]): row["name"] for row in _rows(folder / "stock.csv")}
    known = [Known(Entity("Stock", one), (name,), (one,)) for one, name in stocks.items()]
    known += [
        Known(Entity(label, next(value for key, value in row.items() if "ID(" in key)), (row["name"],))
        for label in ("concept", "industry")
        for row in _rows(folder / f"{label}.csv")
    ]
    gazetteer, names = Gazetteer(known), {_plain(name) for name in stocks.values()}
    found = there = right = wrong = 0
    for _, companies, codes, _, title in _news():
        wanted = {_plain(one) for one in companies.replace("，", ",").split(",")}
        numbers = {_number(one.strip()) for one in codes.replace("，", ",").split(",")}
        linked = {link.entity.id for link in gazetteer.links(title) if link.entity and link.entity.label == "Stock"}
        own = {one for one in linked if one in numbers or _plain(stocks[one]) in wanted}
        right, wrong = right + len(own), wrong + len(linked - own)
        named = [one for one in wanted & names if one in _plain(title)]
        there += len(named)
        found += sum(any(_plain(stocks[one]) == name for one in linked) for name in named)
    return f"recall {found / there:.4f} of {there}, precision at least {right / (right + wrong):.4f} of {right + wrong}"


def phrasebank() -> str:
    """Tone of English sentences."""
    lines = (DATA / "phrasebank" / "Sentences_50Agree.txt").read_text("latin-1").splitlines()
    texts, labels = zip(*(line.rsplit("@", 1) for line in lines if "@" in line), strict=True)
    rows, classes = _read(texts), np.array(labels)
    told = _folds(rows, classes, lambda model, some: np.array([name for name, _ in model.best(some)]))
    return f"accuracy {float((told == classes).mean()):.4f} of {len(classes)}"


def zh_tone() -> str:
    """Tone of Chinese headlines."""
    news = _news()
    rows = _read([title for *_, title in news])
    classes = np.array(["positive" if float(tone) > 0 else "negative" for *_, tone, _ in news])
    told = _folds(rows, classes, lambda model, some: model.probabilities(some)[:, 1])
    order = np.argsort(np.argsort(told, kind="stable"))
    good = classes == "positive"
    auc = (order[good].sum() - good.sum() * (good.sum() - 1) / 2) / (good.sum() * (~good).sum())
    return f"AUC {float(auc):.4f} of {len(classes)}"


def _read(texts: Sequence[str]) -> Rows:
    return Rows.of([tone_features(text) for text in texts], _vectors(texts).of(texts))


def _vectors(texts: Sequence[str]) -> Vectors:
    """Of the encoder for the script of the texts, each encoded once on this machine."""
    return Vectors(_Kept(encoder_for(None, texts)[0]))


class _Kept:
    """An encoder whose vectors are kept in a folder for temporary files."""

    def __init__(self, encoder: Encodes) -> None:
        self.encoder, self.name, self.identity = encoder, encoder.name, encoder.identity
        self.slug, self.dim = encoder.slug, encoder.dim
        self._cache = VectorCache(Path(tempfile.gettempdir()) / "graphrec-language", encoder)

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> np.ndarray:
        return np.asarray(self._cache.vectors(texts, progress)[1])


def _folds(rows: Rows, classes: np.ndarray, judge: Callable[[Classifier, Rows], np.ndarray]) -> np.ndarray:
    draw, fold = np.random.default_rng(0), np.zeros(len(classes), np.int64)
    for name in np.unique(classes):
        places = draw.permutation(np.flatnonzero(classes == name))
        fold[places] = np.arange(len(places)) % 5
    parts = []
    for number in range(5):
        inside = np.flatnonzero(fold != number)
        model = Classifier.fit(rows.taken(inside), classes[inside].tolist())
        outside = np.flatnonzero(fold == number)
        parts.append((outside, judge(model, rows.taken(outside))))
    places = np.concatenate([one for one, _ in parts])
    return np.concatenate([one for _, one in parts])[np.argsort(places)]


def _news() -> Sequence[tuple[str, str, str, str, str]]:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(str(DATA / "zh-news" / "news_seed.xlsx"))
    return [tuple(map(str, row)) for row in book.get_sheet_by_index(0).to_python()[1:]]  # type: ignore[misc]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _number(code: str) -> str:
    plain = code.removesuffix(".0")
    return str(int(plain)) if plain.isdigit() else plain


def _plain(name: str) -> str:
    return _folded(name).replace(" ", "")


PARTS = {"finred": finred, "links": links, "phrasebank": phrasebank, "zh-tone": zh_tone}

if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit("skipped: ../shared/data is not there")
    for name in sys.argv[1:] or PARTS:
        print(f"{name}: {PARTS[name]()}", flush=True)
