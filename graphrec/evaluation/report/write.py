"""The report: one page that a manager can read, from an evaluation with details."""

from html import escape
from pathlib import Path

from graphrec.evaluation.details import Details
from graphrec.evaluation.evaluate import Evaluation
from graphrec.evaluation.report.page import cards, page, paragraph, section, table
from graphrec.evaluation.report.sections import (
    accuracy,
    audience,
    beyond,
    confident,
    learning,
    price_of_paths,
    reasons,
    shown,
    worth_of_the_graph,
)
from graphrec.evaluation.report.words import Words
from graphrec.files import whole_file
from graphrec.terms.folder import read_meta
from graphrec.terms.meta import ModelMeta


def write_report(done: Evaluation, folder: Path, path: Path, *, users: str = "users") -> None:
    """Write the page of an evaluation to a file, whole or not at all.

    Args:
        folder: the model's, for what it says about itself.
        users: what the people are called, in the plural.

    Raises:
        ValueError: the evaluation has no details.
    """
    if done.details is None:
        raise ValueError("a report needs an evaluation with details")
    text = rendered(done, done.details, read_meta(folder), users)
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8")


def rendered(done: Evaluation, details: Details, meta: ModelMeta, users: str) -> str:
    """The page as text."""
    words = Words(done, details, users)
    return page(
        words.title,
        [
            _header(done, words),
            accuracy(done, details, words),
            reasons(details, words),
            price_of_paths(details),
            confident(details),
            beyond(done, details),
            shown(details, words),
            audience(details, words),
            worth_of_the_graph(details),
            learning(details),
            _method(done, meta, words),
        ],
    )


def _header(done: Evaluation, words: Words) -> str:
    lead = [paragraph(text, "lead") for text in (words.finding, words.reasons) if text]
    notes = [paragraph(text, "warn") for text in (*done.split.notes, *done.notes)]
    return f"<header><h1>{escape(words.title)}</h1>{''.join(lead)}{cards(words.cards)}{''.join(notes)}</header>"


def _method(done: Evaluation, meta: ModelMeta, words: Words) -> str:
    split = done.split
    rows = [
        ["Model", f"{done.model}, hash {meta.hash}"],
        ["Terms", words.terms(meta)],
        ["Snapshot", f"{meta.snapshot}, as of {meta.as_of or 'loading'}"],
        ["Split", f"{split.name}, hash {split.hash}"],
        ["Hidden", f"{split.test_interactions:,} interactions of {split.users:,} {words.users}"],
        ["Fitted on", f"{split.fitted}; candidates without {split.masked}"],
        ["Seed", str(meta.seed)],
        ["Versions", ", ".join(f"{name} {number}" for name, number in meta.versions.items())],
        ["Time", f"{done.seconds:.1f} s"],
    ]
    return section(
        "How this was measured",
        paragraph(
            f"A part of what {words.users} did was hidden before anything was fitted or chosen; only this evaluation "
            "looks at it, and it refuses a model that has seen any of it. Every product that somebody "
            "does not hold already is ranked, none is sampled away. Someone for whom there is no list counts as not "
            "served. nDCG is measured against the best possible list, not against what was found."
        ),
        paragraph(
            "Intervals hold 95 % of bootstrap samples of users (Gini, coverage, precision and parts of scores: by a "
            "jackknife over users). p is the two-sided probability of a difference at least as large if both models "
            "were equally good for every user (sign flips of the same users' differences). Many things are compared "
            "on this page: of twenty comparisons without any difference, one has p below .05 by chance."
        ),
        table(["", ""], rows, left=(0, 1)),
    )
