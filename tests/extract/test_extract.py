"""From texts to rows of the graph: sentences, links, relations, tone, and a source that loads as of its dates."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.data import extract as extract_app
from graphrec.app.jobs import ExtractTexts, FindTopics, FitClassifier, Load, TakeSnapshot
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import ModelError, SourceError, UsageError
from graphrec.extract.classifier import Classifier, Rows, tone_features
from graphrec.extract.documents import Document
from graphrec.extract.linking import Entity, Gazetteer, Known
from graphrec.extract.pdf import joined, without_heads
from graphrec.extract.relations import pair_features
from graphrec.extract.rows import Recognizer, extract
from graphrec.extract.texts import plain, sentences
from graphrec.extract.topics import topics
from graphrec.extract.vectors import Vectors

MAPPING = """
[source]
name = "shop"
[source.files]
customers = "customers.csv"
funds = "funds.csv"
bought = "bought.csv"
news = "news.csv"
[roles]
user = "Customer"
product = "Fund"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, name FROM customers"
name = "name"
[nodes.Fund]
key = "id"
name = "name"
text = ["about"]
sql = "SELECT id, name, alias, ticker, about FROM funds"
[edges.BOUGHT]
from = "Customer.customer"
to = "Fund.fund"
sql = "SELECT customer, fund FROM bought"
[documents.News]
key = "id"
title = "title"
text = "body"
form = "html"
published = "day"
sql = "SELECT id, title, body, day FROM news"
"""
FUNDS = """id,name,alias,ticker,about
f1,Apple Inc,,AAPL,phones and computers
f2,Acme Steel,Acme,,steel for bridges
f3,Acme Foods,Acme,,bread and butter
f4,永兴特钢,,002756,钢
"""
NEWS = """id,title,body,day
n1,Apple owns Acme Steel,"<p>AAPL rose.</p><script>Acme Foods</script><p>Anna bought bread of Acme.</p>",2025-03-01
n2,Market news,"<p>Acme fell. Nothing of pineapple or APPLES here.</p>",2025-05-01T10:00:00+02:00
n3,"永兴特钢：2018年净利同比增14.45%","<p>好</p>",2025-06-01
"""
TONE = "sentence,tone\nit rose,good\nup again,good\nit fell,bad\ndown and fell,bad\n"
EXAMPLES = [
    *((f"{a} owns {b}.", a, b, "owned") for a, b in (("Alpha", "Beta"), ("Gamma", "Delta"), ("One", "Two"))),
    *((f"{a} and {b} fell.", a, b, "none") for a, b in (("Alpha", "Beta"), ("Gamma", "Delta"), ("One", "Two"))),
    *((f"{a} owns {b}.", b, a, "owned_by") for a, b in (("Alpha", "Beta"), ("Gamma", "Delta"), ("One", "Two"))),
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank with four funds, and news of them."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.toml").write_text(MAPPING, "utf-8")
    (folder / "customers.csv").write_text("id,name\nc1,Anna\nc2,Apple Inc\n", "utf-8")
    (folder / "funds.csv").write_text(FUNDS, "utf-8")
    (folder / "bought.csv").write_text("customer,fund\nc1,f1\nc2,f2\n", "utf-8")
    (folder / "news.csv").write_text(NEWS, "utf-8")
    with (folder / "examples.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("sentence", "head", "tail", "relation"), *EXAMPLES])
    (folder / "tone.csv").write_text(
        "sentence,tone\nit rose,good\nup again,good\nit fell,bad\ndown and fell,bad\n", "utf-8"
    )
    bank = Bank(Settings(home=folder / "home", record=False))
    bank.load(Load(str(folder / "shop.toml")))
    bank.take_snapshot(TakeSnapshot())
    return bank


def folder_of(bank: Bank) -> Path:
    return bank.home.path.parent


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_texts_become_sentences() -> None:
    assert plain("<head><title>x</title></head><p>A &amp; B</p><style>p{}</style><div>C<br>D</div>") == "A & B\nC\nD"
    assert sentences("Citigroup Inc. fell. Mr. Pandit left!  Ja?") == [
        "Citigroup Inc. fell.",
        "Mr. Pandit left!",
        "Ja?",
    ]
    assert sentences("") == []


def test_what_a_page_has_around_its_text_is_not_read() -> None:
    page = (
        "<html><head><title>x</title><body><nav>Acme<ul><li>A</ul></nav><div role='banner'>B<div>C</div></div>"
        "<header><h1>Title</h1></header><p>Text<img hidden></p><p hidden>D</p><p style='display: none'>E</p>"
        "<aside>F</aside><hr/>After<footer>G</footer></body></html>"
    )
    assert plain(page) == "Title\nText\nAfter"
    # What was never closed does not take the text along.
    assert plain("<head><title>x</title><body>A<nav>B<article>C</article>") == "A\nC"


def test_names_are_found_as_the_press_writes_them() -> None:
    names = {
        "m": "Müller Maschinenbau GmbH & Co. KG", "s": "Banco São Tomé S.A.", "n": "Next plc",
        "h": "Harbour & Sons Holdings Inc.",
        "a": "Alpina Bank AG", "d": "东海证券股份有限公司", "g": "First Group plc", "i": "iShop",
        "r": "Café Rueck", "u": "Café Rück",
    }  # fmt: skip
    gazetteer = Gazetteer([Known(Entity("Fund", one), (name,)) for one, name in names.items()])
    linked = {
        "MÜLLER MASCHINENBAU GMBH & CO. KG and Mueller Maschinenbau": ["m", "m"],
        "Banco Sao Tome; Banco São Tomé, S.A.": ["s", "s"],
        "The next day Next rose": ["n"],
        "next rose": ["n"],
        "Harbour & Sons, Harbour Master": ["h"],
        "Alpina-Bank-Aktie": ["a"],
        "东海证券担任财务顾问": ["d"],
        "First, First Group": ["g"],
        "The iShop": ["i"],
        # Of two names that are alike without accents each has its own.
        "Café Rück, Café Rueck": ["u", "r"],
    }
    found = {text: [one.entity.id if one.entity else None for one in gazetteer.links(text)] for text in linked}
    assert found == linked


def test_a_relation_that_a_document_says_twice_is_one_row() -> None:
    acme, bolt = (Known(Entity("Fund", one), (one,)) for one in ("Acme", "Bolt"))
    rows = Rows.of([pair_features(*one[:3]) for one in EXAMPLES])
    classifier = Classifier.fit(rows, [one[3] for one in EXAMPLES])
    said = "Acme buys Bolt"
    document = Document("News", "D", said, datetime(2025, 5, 1, tzinfo=UTC), (said, said))
    once = replace(document, sentences=(said,))
    recognizer = Recognizer(classifier, Vectors(None))
    twice, single = (
        extract([one], Gazetteer([acme, bolt]), relations=recognizer, threshold=0.0) for one in (document, once)
    )
    assert single.relations
    assert twice.relations == single.relations


def test_names_are_linked_as_whole_words_the_longest_first_and_doubts_are_kept_apart() -> None:
    steel, foods, apple, smart = (Entity("Fund", one) for one in ("steel", "foods", "apple", "smart"))
    gazetteer = Gazetteer(
        [
            Known(steel, ("Acme Steel", "Acme"), text="steel bridges"),
            Known(foods, ("Acme Foods", "Acme"), text="bread butter"),
            Known(apple, ("Apple Inc",), ("AAPL", "12")),
            Known(smart, ("智慧",)),
        ]
    )
    found = gazetteer.links("Apple sold ACME Foods; Acme sells bread, Acme; AAPL 12 aapl pineapple.")
    assert [(one.name, one.entity) for one in found] == [
        ("Apple", apple), ("ACME Foods", foods), ("Acme", foods), ("Acme", foods), ("AAPL", apple),
    ]  # fmt: skip
    assert [one.entity for one in gazetteer.links("Acme fell")] == [None]
    # Two Chinese signs amid others are a part of a word as often.
    assert [one.entity for one in gazetteer.links("智慧：利润上涨")] == [smart]
    assert gazetteer.links("建设智慧城市") == []


def test_a_part_of_another_companys_name_and_a_common_word_are_no_names() -> None:
    robot, group, siemens = (Entity("Fund", one) for one in ("robot", "group", "siemens"))
    gazetteer = Gazetteer(
        [
            Known(robot, ("机器人",)),
            Known(group, ("新华联",)),
            Known(siemens, ("Siemens AG",)),
            Known(Entity("Concept", "c"), ("机器人概念",)),
        ]
    )
    linked = {
        "机器人：利润上涨": [robot],
        "拟收购易科机器人49%股权": [],
        "获新华联增持": [group],
        "获新华联控股增持": [],
        "新华联控股股东减持": [group],
        "Siemens fell, Siemens AG too": [siemens, siemens],
        "Siemens Energy AG fell, and Siemens Energy Global Corp.": [],
        "Siemens bought Acme Steel Inc": [siemens],
    }
    assert {text: [one.entity for one in gazetteer.links(text)] for text in linked} == linked


def test_a_classifier_learns_reads_back_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    rows = Rows.of([pair_features(*one[:3]) for one in EXAMPLES])
    labels = [one[3] for one in EXAMPLES]
    model, again = (Classifier.fit(rows, labels) for _ in range(2))
    assert model.identity == again.identity
    assert [name for name, _ in model.best(rows)] == labels
    assert np.allclose(model.probabilities(rows).sum(axis=1), 1.0)
    unseen = Rows.of([pair_features("Hooli owns Initech.", "Hooli", "Initech"), []])
    assert model.best(unseen)[0][0] == "owned"
    model.write(tmp_path / "m.npz")
    assert Classifier.read(tmp_path / "m.npz").identity == model.identity
    (tmp_path / "m.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match="is no classifier of graphrec extract"):
        Classifier.read(tmp_path / "m.npz")
    with pytest.raises(UsageError, match="examples of 1 class"):
        Classifier.fit(Rows.of([tone_features("a")]), ["x"])


class Letters:
    """Stands for an encoder: which letters a text has."""

    name, identity, slug, dim = "letters", "1", "letters-1", 26

    def encode(self, texts: Sequence[str], progress: object = None) -> NDArray[np.float32]:
        found = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            for letter in text.casefold():
                if "a" <= letter <= "z":
                    found[row, ord(letter) - ord("a")] = 1
        return found


def test_vectors_are_read_beside_words_and_of_their_encoder_alone(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a classifier of words cannot know: unseen words whose letters tell.
    texts, labels = ["aab", "aba", "bbaa", "zzy", "zyx", "yzz"], ["ab"] * 3 + ["yz"] * 3
    vectors = Vectors(Letters())
    model = Classifier.fit(
        Rows.of([tone_features(one) for one in texts], vectors.of(texts)), labels, encoder=vectors.encoder
    )
    told = Recognizer(model, vectors)
    assert [told.tone(one)[0] for one in ("baab", "yxz")] == ["ab", "yz"]
    assert vectors.of_pairs([("a", "b")]) is not None
    model.write(tmp_path / "m.npz")
    again = Classifier.read(tmp_path / "m.npz")
    assert (again.identity, again.encoder) == (model.identity, ("letters", "1"))
    assert Recognizer(again, vectors).tone("baab") == told.tone("baab")
    # A bank's fit takes the encoder for its texts, a run the one of the fit, and no other.
    monkeypatch.setattr(extract_app, "encoder_for", lambda name, texts: (Letters(), None))
    monkeypatch.setattr(extract_app, "encoder_named", lambda name: Letters())
    (tmp_path / "tone.csv").write_text(TONE, "utf-8")
    done = bank.fit_classifier(FitClassifier(tmp_path / "tone.csv", tmp_path / "tone.npz"))
    assert done.encoder == "letters"
    mapping = str(folder_of(bank) / "shop.toml")
    run = ExtractTexts(mapping, tmp_path / "out", None, None, tmp_path / "tone.npz", record=False)
    assert bank.extract_texts(run).mentions == 4
    monkeypatch.setattr(Letters, "identity", "2")
    with pytest.raises(ModelError, match="vectors of another version of letters"):
        bank.extract_texts(run)


@pytest.mark.slow
def test_documents_become_a_source_that_loads_as_of_its_dates(bank: Bank) -> None:
    folder = folder_of(bank)
    for name in ("examples", "tone"):
        bank.fit_classifier(FitClassifier(folder / f"{name}.csv", folder / f"{name}.npz", encoder="none"))
    out = folder / "extracted"
    done = bank.extract_texts(
        ExtractTexts(str(folder / "shop.toml"), out, None, folder / "examples.npz", folder / "tone.npz", 0.5)
    )
    assert (done.documents, done.relations) == (3, 2)
    mentions = read(out / "mentions_fund.csv")
    assert [(one["from_id"], one["to_id"]) for one in mentions] == [
        ("n1", "f1"), ("n1", "f2"), ("n1", "f3"), ("n3", "f4"),
    ]  # fmt: skip
    relations = {name: read(out / f"{name}.csv")[0] for name in ("owned", "owned_by")}
    assert [(one["from_id"], one["to_id"]) for one in relations.values()] == [("f1", "f2"), ("f2", "f1")]
    assert all(one["sentence"] for one in (*mentions, *relations.values()))
    assert {one["tone"] for one in mentions} <= {"good", "bad"}
    # "Acme fell" may be steel or foods: nobody decides, and a person looks at it.
    assert [(one["document"], one["why"]) for one in read(out / "review.csv")] == [("n2", "ambiguous")]
    # Customers are in no gazetteer: a name of theirs is no node.
    assert not any("Anna" in one["to_id"] for one in mentions)
    bank.load(Load(str(out / "extracted.toml")))
    now = bank.take_snapshot(TakeSnapshot()).snapshot
    assert len(now.edges("MENTIONS_FUND").indices) == 4
    before = bank.take_snapshot(TakeSnapshot(as_of="2025-05-01")).snapshot
    assert len(before.edges("MENTIONS_FUND").indices) == 3
    assert len(before.edges("OWNED").indices) == 1
    earlier = bank.take_snapshot(TakeSnapshot(as_of="2025-02-01")).snapshot
    assert len(earlier.edges("MENTIONS_FUND").indices) == 0


@pytest.mark.slow
def test_news_of_later_changes_nothing_of_before_and_reasons_name_source_and_day(bank: Bank) -> None:
    folder = folder_of(bank)
    hashes = []
    for more in ("", "n9,Acme Steel buys Apple,Acme Steel and AAPL and Acme Foods.,2025-05-20\n"):
        (folder / "news.csv").write_text(NEWS + more, "utf-8")
        bank.extract_texts(ExtractTexts(str(folder / "shop.toml"), folder / "later", record=False))
        bank.load(Load(str(folder / "later" / "extracted.toml")))
        hashes.append(bank.take_snapshot(TakeSnapshot(as_of="2025-05-10")).snapshot.meta.hash)
    (folder / "news.csv").write_text(NEWS, "utf-8")
    assert hashes[0] == hashes[1]
    assert read(folder / "later" / "documents.csv")[-1]["title"] == "Acme Steel buys Apple (News, 2025-05-20)"
    schema = bank.take_snapshot(TakeSnapshot()).snapshot.schema
    way = "BOUGHT <MENTIONS_FUND MENTIONS_FUND"
    assert schema.reasons[way] == "is named with {a} in {document}"
    assert {code: one[way] for code, one in schema.reasons_in.items()}.keys() == {"de", "zh"}


def test_what_cannot_be_used_is_named(bank: Bank, tmp_path: Path) -> None:
    folder, out = folder_of(bank), tmp_path / "out"
    text = (folder / "shop.toml").read_text("utf-8")
    for change, says in (
        (("[documents.News]", "[documents.News]\nwhere = 1\n"), "where"),
        (('text = "body"', 'text = "words"'), "names the column 'words', which its statement does not give"),
        (('published = "day"', 'published = "title"'), "published 'Apple owns Acme Steel' is no time"),
        (
            ("SELECT id, title, body, day FROM news", "SELECT id, title, NULL AS body, day FROM news"),
            "row 1 has no text",
        ),
    ):
        (folder / "odd.toml").write_text(text.replace(*change), "utf-8")
        with pytest.raises(SourceError, match=says):
            bank.extract_texts(ExtractTexts(str(folder / "odd.toml"), out))
        assert not out.exists()
    (folder / "odd.toml").write_text(text.partition("[documents.News]")[0], "utf-8")
    with pytest.raises(SourceError, match="names no documents"):
        bank.extract_texts(ExtractTexts(str(folder / "odd.toml"), out))
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(SourceError, match="has the columns a, b; want sentence, head, tail, relation"):
        bank.fit_classifier(FitClassifier(tmp_path / "odd.csv", out))


def test_the_command_fits_and_runs(bank: Bank, tmp_path: Path) -> None:
    folder = folder_of(bank)

    def run(*arguments: object) -> str:
        done = CliRunner().invoke(app, ["--home", str(bank.home.path), "extract", *map(str, arguments)])
        assert done.exit_code == 0, done.output
        return done.stdout

    fitted = json.loads(run("fit", folder / "tone.csv", "--out", tmp_path / "t.npz", "--encoder", "none", "--json"))
    assert (fitted["kind"], fitted["classes"]) == ("tone", ["bad", "good"])
    shown = run("run", folder / "shop.toml", "--out", tmp_path / "rows", "--tone", tmp_path / "t.npz", "--no-record")
    assert "3 documents: 4 mentions, 0 relations; 1 to review" in shown
    wrong = CliRunner().invoke(app, ["extract", "fit", "x.csv", "--out", "y", "--data", "z"])
    assert wrong.exit_code == 2


def pdf_of(lines: Sequence[str]) -> bytes:
    """A PDF file of one page with these lines of Latin text."""
    text = "BT /F1 12 Tf 14 TL 50 750 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF"
    return out + f"xref\n0 6\n0000000000 65535 f \n{table}{end}".encode()


@pytest.mark.slow
def test_what_stands_on_each_page_is_no_text_and_words_are_whole_over_lines_and_pages() -> None:
    bought = ("Beta", "Gamma", "Delta")
    pages = [
        f"Alpina Research\nAcme  buys {one} for {n} Milli\u2010\nonen Euro, says {one}, and\nSeite {n} von 3"
        for n, one in enumerate(bought, 1)
    ]
    text = joined("\n".join(without_heads(pages)))
    assert text == " ".join(
        f"Acme buys {one} for {n} Millionen Euro, says {one}, and" for n, one in enumerate(bought, 1)
    )
    # Of two pages nobody knows what stands on each, and a page has some text.
    assert without_heads(pages[:2]) == pages[:2]
    assert without_heads(["Only this"] * 3) == ["Only this"] * 3


def test_pdf_files_are_documents_and_one_that_cannot_be_read_is_named(bank: Bank, tmp_path: Path) -> None:
    folder, out = folder_of(bank), tmp_path / "out"
    mapping = MAPPING.replace('form = "html"', 'form = "pdf"')
    (folder / "sheets.toml").write_text(mapping.replace('news = "news.csv"', 'news = "sheets.csv"'), "utf-8")
    (folder / "sheet.pdf").write_bytes(
        pdf_of(["Apple buys Acme", "Steel for its bridges. Acme Foods sells but-", "ter."])
    )
    head = "id,title,body,day\n"
    (folder / "sheets.csv").write_text(f"{head}s1,Sheet of May,sheet.pdf,2025-05-01\n", "utf-8")
    done = bank.extract_texts(ExtractTexts(str(folder / "sheets.toml"), out, record=False))
    found = {one["to_id"]: one["sentence"] for one in read(out / "mentions_fund.csv")}
    assert done.mentions == 3
    # A name over the end of a line, and a word over it.
    assert found["f2"] == "Apple buys Acme Steel for its bridges."
    assert found["f3"] == "Acme Foods sells butter."
    (folder / "empty.pdf").write_bytes(pdf_of([]))
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder.parent / "secret.pdf").write_bytes(pdf_of(["x"]))
    for name, says in (
        ("missing.pdf", "there is no file"),
        ("../secret.pdf", "lies outside"),
        ("empty.pdf", "has no text, as a scan has none"),
        ("broken.pdf", "cannot be read as PDF"),
    ):
        (folder / "sheets.csv").write_text(f"{head}s1,Sheet,{name},2025-05-01\n", "utf-8")
        with pytest.raises(SourceError, match=f"row 1: .*{says}"):
            bank.extract_texts(ExtractTexts(str(folder / "sheets.toml"), tmp_path / "no", record=False))


class Spans:
    """Stands for what spaCy and GLiNER return."""

    def __init__(self, start: int, end: int, label: str) -> None:
        self.start_char, self.end_char, self.label_ = start, end, label


def finds(sentence: str) -> list[tuple[int, int, str]]:
    """A name of one letter and more that begins with a capital, of a kind by its first letter."""
    kinds = {"A": "ORG", "B": "PERSON", "M": "ORG"}
    words = ((word, sentence.index(word)) for word in sentence.replace(".", " ").split())
    return [(at, at + len(word), kinds[word[0]]) for word, at in words if word[0] in kinds]


def test_names_that_the_graph_does_not_have_are_kept_apart(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = folder_of(bank), tmp_path / "out"

    class Pipeline:
        def __call__(self, sentence: str) -> object:
            return SimpleNamespace(ents=[Spans(*one) for one in finds(sentence)])

    asked: list[list[str]] = []

    class Model:
        @staticmethod
        def from_pretrained(name: str) -> "Model":
            assert name == "folder"
            return Model()

        def predict_entities(self, sentence: str, labels: list[str]) -> list[dict[str, object]]:
            asked.append(labels)
            return [{"start": start, "end": end, "label": kind} for start, end, kind in finds(sentence)]

    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=lambda name: Pipeline()))
    monkeypatch.setitem(sys.modules, "gliner", SimpleNamespace(GLiNER=Model))
    found = {}
    for finder in ("spacy:small", "gliner:folder"):
        request = ExtractTexts(str(folder / "shop.toml"), out, finder=finder, record=False)
        assert bank.extract_texts(request).unknown == 3
        found[finder] = [(one["name"], one["kind"], one["documents"]) for one in read(out / "unknown.csv")]
    assert found["spacy:small"] == found["gliner:folder"]
    # Apple and Acme are known; no person is kept.
    assert ("Market", "ORG", "1") in found["spacy:small"]
    assert all(name not in ("Apple", "Acme", "AAPL") and kind != "PERSON" for name, kind, _ in found["spacy:small"])
    assert asked[0] == ["Fund"]
    monkeypatch.setitem(sys.modules, "spacy", None)
    for name, says in (("other:x", "want spacy:MODEL or gliner:MODEL"), ("spacy:x", "needs the Python package spacy")):
        with pytest.raises(UsageError, match=says):
            bank.extract_texts(ExtractTexts(str(folder / "shop.toml"), out, finder=name, record=False))


def test_topics_are_clusters_with_names_the_same_each_time() -> None:
    texts = ["phones and computers", "computers, phones", "steel for bridges", "bridges of steel", "bread", ""]
    vectors = np.array([[1, 0.1, 0], [0.9, 0.2, 0], [0, 1, 0.1], [0.1, 0.9, 0], [-0.5, -0.5, 1], [0, 0, 0]], np.float32)
    found = topics(texts, vectors, 3)
    assert {tuple(sorted(one.members)) for one in found} == {(0, 1), (2, 3)}
    names = {tuple(sorted(one.members)): one.name for one in found}
    assert set(names[0, 1].split(", ")) >= {"phones", "computers"}
    assert set(names[2, 3].split(", ")) >= {"steel", "bridges"}
    assert found == topics(texts, vectors, 3)
    assert topics(texts[:1], vectors[:1], 2) == []
    han = topics(["稳健债券基金", "债券基金产品", "科技股票", "股票科技指数"], vectors[:4], 2)
    assert {"债券" in one.name or "股票" in one.name or "科技" in one.name for one in han} == {True}


@pytest.mark.slow
def test_topics_of_a_bank_load_as_nodes_and_walks(bank: Bank, tmp_path: Path) -> None:
    home = str(bank.home.path)
    shown = CliRunner().invoke(
        app, ["--home", home, "extract", "topics", "Fund", "--out", str(tmp_path / "topics"), "--number", "2", "--json"]
    )
    assert shown.exit_code == 0, shown.output
    done = json.loads(shown.stdout)
    inside = sum(one["nodes"] for one in done["topics"])
    assert done["topics"]
    assert inside + done["without"] == 4
    bank.load(Load(str(tmp_path / "topics" / "topics.toml")))
    snapshot = bank.take_snapshot(TakeSnapshot()).snapshot
    assert len(snapshot.edges("ABOUT").indices) == inside
    assert snapshot.schema.reasons["BOUGHT ABOUT <ABOUT"] == "is about {topic}, like {a}"
    for label in ("Customer", "Nothing"):
        with pytest.raises(UsageError, match="is no label with texts of its own; those are: Fund"):
            bank.find_topics(FindTopics(tmp_path / "no", label))
    wrong = CliRunner().invoke(app, ["--home", home, "extract", "topics", "Fund", "--out", "x", "--tone", "y"])
    assert wrong.exit_code == 2
    assert "--tone goes with graphrec extract run, not with topics" in wrong.output
