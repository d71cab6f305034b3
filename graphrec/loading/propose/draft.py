"""Proposes a first mapping from the files of a folder, for a person to edit."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.files import whole_file
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.draft_events import add_event, add_series
from graphrec.loading.propose.draft_nodes import add_attributes, add_entity, add_missing_label, add_references, add_tags
from graphrec.loading.propose.draft_sql import quote, toml_key
from graphrec.loading.propose.drafted import MANY_LEVELS, UNKNOWN, Decide, Decision, Draft, as_proposed
from graphrec.loading.propose.looks import (
    action_of,
    action_of_table,
    asks_people,
    is_personal,
    label_name,
    likeness,
    looks,
)
from graphrec.loading.propose.of_people import has_minors
from graphrec.loading.propose.profile import read_folder
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import singular, stem, words
from graphrec.loading.sources.files import day_of, is_folder, shown_path
from graphrec.progress import Progress, silent

Ends = list[tuple[str, str]]
"""Column and label of the things that a row joins."""


def write_draft(
    path: Path,
    folder: Path,
    *,
    url_env: str | None = None,
    decide: Decide = as_proposed,
    scratch: Path | None = None,
    progress: Progress = silent,
) -> Draft:
    """Write a proposed mapping; returns what it says and what to look at.

    Args:
        path: the new TOML file.
        folder: the files to describe.
        url_env: the environment variable with the address of a database to describe too.
        decide: what a person says where only a person can know; without it, what is proposed.
        scratch: folder in which decoded files and spilled tables lie meanwhile, usually the home; the system's own
            when there is none.
        progress: called while files are read.

    Raises:
        SourceError: the file is there already, no file can be read, or nothing looks like users and products: then what
            was found is written with what is missing marked.
    """
    try:
        is_there = path.exists()
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{shown_path(path)} cannot be written: {getattr(error, 'strerror', None) or error}; "
            "name another file with --new"
        ) from error
    if is_there:
        raise SourceError(f"{path} is there already; name another file with --new, or remove it")
    if not is_folder(folder):
        raise SourceError(f"--data {shown_path(folder)}: no such folder; name the folder that holds the files")
    with read_folder(folder, scratch, progress, url_env) as delivery:
        left, tables = delivery.left, delivery.tables()
        draft = _propose(tables, left, folder, decide)
        if not draft.user or draft.is_loose:
            wide = delivery.tables(are_wide=True)
            other = _propose(wide, left, folder, decide)
            tables, draft = (wide, other) if other.user and not (draft.user and other.is_loose) else (tables, draft)
        if not draft.user:
            lines = delivery.tables(are_lines=True)
            other = _propose(lines, left, folder, decide)
            tables, draft = (lines, other) if other.user else (tables, draft)
    tables = [_newest_alone(draft, table, folder) for table in tables]
    draft.files = len(_files(draft, tables))
    with whole_file(path) as temporary:
        temporary.write_text(_text(draft, tables, path), encoding="utf-8")
    if not draft.user:
        raise SourceError(
            f"--data {folder}: no file joins two things by their keys, as trades join customers and products; "
            f"{path} has what was found, and MISSING where it has to be completed; or give the folder of the events too"
            + (f" ({'; '.join(draft.questions)})" if draft.questions else "")
        )
    return draft


def _propose(tables: list[TableProfile], left: list[str], folder: Path, decide: Decide) -> Draft:
    if not tables:
        raise SourceError(
            f"--data {folder}: no file ends in .csv, .tsv, .json, .jsonl, .parquet, .xlsx, .sqlite or .sql; give "
            "another folder" + (f" ({'; '.join(left)})" if left else "")
        )
    notes = list(left)
    notes += [f"{table.name} has no rows and is not used" for table in tables if not table.rows]
    filled = [_decided(table, decide) for table in tables if table.rows]
    drafts = (_read_as(filled, Draft(list(notes), decide=decide, is_loose=is_loose)) for is_loose in (False, True))
    draft = next((draft for draft in drafts if draft is not None), None)
    return draft or _incomplete(filled, Draft(list(notes), decide=decide))


def _ask_of_others(draft: Draft, entities: Sequence[TableProfile]) -> None:
    """Ask about other tables of people, such as the same of another branch under other names."""
    for table in entities:
        label = draft.label_of[table.name]
        if label not in {draft.user, draft.product} and asks_people(table.others()):
            draft.ask(
                f"nodes.{label}: looks like customers too, and {draft.user} alone get lists: give both files the same "
                "names of columns, so that they are read as one table"
            )


def _decided(table: TableProfile, decide: Decide) -> TableProfile:
    """A table with its columns read as a person says, where two ways fit."""
    columns = dict(table.columns)
    for name, column in table.columns.items():
        if (choice := column.choice) is None:
            continue
        asked = Decision(f"{table.name}: {name} {choice.asks}: how is it read?", (choice.proposed, choice.otherwise))
        if decide(asked) == choice.otherwise:
            columns[name] = replace(column, parse=choice.parse, is_plain=False, questions=())
    return replace(table, columns=columns)


def _labels(tables: Sequence[TableProfile]) -> dict[str, str]:
    """The label of each table: dim_customer is Customer, where no other table is.

    A server and a schema that are put before the names of all tables, and say nothing, are left out.
    """
    split = [words(table.name) for table in tables]
    same = 0
    while len(split) > 1 and all(len(one) > same + 1 and one[same] == split[0][same] for one in split):
        same += 1
    # A word that says what is in a table stays.
    told = (number for number, word in enumerate(split[0][:same] if split else ()) if likeness(word) or action_of(word))
    same = next(told, same)
    # One word alone may be the house, and what stands behind it a number.
    same = same if same > 1 and all(one[same].isalpha() for one in split) else 0
    named = {table.name: "_".join(one[same:]) if same else table.name for table, one in zip(tables, split, strict=True)}
    short = {name: label_name(singular(_OF_WAREHOUSES.sub("", one))) for name, one in named.items()}
    counts = Counter(short.values())
    return {name: one if counts[one] == 1 else label_name(name) for name, one in short.items()}


_OF_WAREHOUSES = re.compile(
    r"^(dim|fact|fct|stg|tbl|vw|mv|lkp|hub|sat|lnk|ods|dwh|dw|fbnk|d|f|t|v)_(?=\w{3})", re.IGNORECASE
)
"""What says of a table which layer of a warehouse it lies in."""


def _incomplete(tables: list[TableProfile], draft: Draft) -> Draft:
    """What can be said of tables none of which joins two things: a label for each with a key."""
    labels = _labels(tables)
    draft.label_of = {table.name: labels[table.name] if table.key else "" for table in tables}
    for table in tables:
        if table.key:
            add_entity(draft, table)
    return draft


def _read_as(tables: list[TableProfile], draft: Draft) -> Draft | None:
    """The draft with everything that the tables say; None where none joins two things."""
    owned = {table.name for table in tables if len(table.references) > 1}
    heads = _heads(tables, draft) | ({table.through for table in tables} - owned)
    heads |= {one for table in tables for one in table.also}
    tables = [table for table in tables if table.name not in heads]
    draft.people = {
        table.name
        for table in tables
        if any(is_personal(one, of_user=False) or looks(one.name, "protected") for one in table.others())
    }
    referred = {other for table in tables for other in table.references.values()}
    entities = [table for table in tables if table.key and not _is_event(table, table.name in referred, draft)]
    entities = [table for table in entities if table.name in referred or not _is_list_of_words(table, tables)]
    events = [_without_whole(table, entities) for table in tables if table not in entities]
    described = {table.name for table in entities}
    # What belongs to contracts alone, such as claims, is neither a customer nor a product.
    entities = [table for table in entities if described & {*table.references.values()} or table.name in referred]
    draft.label_of = _labels(entities)
    draft.owners = {
        draft.label_of[table.name]: frozenset(
            draft.label_of[other] for other in table.references.values() if other in draft.label_of
        )
        for table in entities
    }
    ends = {table.name: _ends(table, draft) for table in events}
    if not _choose_roles(draft, entities, [(table.rows, ends[table.name]) for table in events]):
        return None
    sold = [
        column.name for table in entities if draft.label_of[table.name] == draft.product for column in table.others()
    ]
    draft.has_ages = any(place(one, limit) is not None for one in sold for limit in ("least age", "most age"))
    _ask_of_others(draft, entities)
    draft.has_ages |= any(has_minors(table.others()) for table in entities if draft.label_of[table.name] == draft.user)
    for table in entities:
        add_entity(draft, table)
        if draft.label_of[table.name] in {draft.user, draft.product}:
            add_attributes(draft, table)
    used = [table for table in events if len({label for _, label in ends[table.name]}) == 2]
    told: dict[str, set[str]] = {}
    for table in used:
        for column, label in ends[table.name]:
            told.setdefault(table.name, set()).update(add_missing_label(draft, column, label, used))
    events = [table.without(told.get(table.name, set())) for table in events]
    for table in entities:
        add_references(draft, table)
    owners = {table.name: table for table in entities}
    _add_events(draft, [(table, ends[table.name]) for table in events])
    for table in events:
        if table.name not in draft.label_of and add_tags(
            draft, table, owners.get(next(iter(table.references.values()), ""))
        ):
            draft.label_of[table.name] = ""
    for table in tables:
        _ask_about(draft, table)
    return draft


def _heads(tables: list[TableProfile], draft: Draft) -> set[str]:
    """Tables whose rows stand in each row of a part of theirs, as an order does in its items."""
    by_name = {table.name: table for table in tables}
    found = set()
    for part in tables:
        whole = by_name.get(part.of) if part.name != part.of else None
        if whole is None or not (whole.references or _other_ends(whole, draft)):
            continue
        if set(part.references.values()) - {whole.name} - set(whole.references.values()):
            found.add(whole.name)
    return found


def _without_whole(part: TableProfile, entities: Sequence[TableProfile]) -> TableProfile:
    """The rows that lie in those of a thing, without what is said of the thing itself: its state is not theirs."""
    whole = next((one for one in entities if one.name == part.of != part.name), None)
    if whole is None or whole.name not in part.references.values():
        return part
    kept = {part.key, whole.key, *part.references}
    return part.without({one.name for one in whole.columns.values() if one.name not in kept and not one.has_several})


def _add_events(draft: Draft, events: list[tuple[TableProfile, Ends]]) -> None:
    for table, ends in events:
        if add_event(draft, table, ends) or add_series(draft, table, ends):
            draft.label_of.setdefault(table.name, "")
    _ask_about_times(draft)
    unknown = [kind for kind, weight in draft.interactions.items() if weight == UNKNOWN]
    if not draft.relevant() and unknown:
        draft.interactions |= dict.fromkeys(unknown, 1.0)
    elif unknown:
        draft.ask(f"roles: is {', '.join(unknown)} a purchase or a holding? It counts half, and as none")
    elif not draft.relevant():
        draft.interactions = dict.fromkeys(draft.interactions, 1.0)
        draft.ask("roles: nothing is called like a purchase or a holding, so every interaction speaks for a product")


def _ask_about_times(draft: Draft) -> None:
    """Positions without a time beside dealings with one may be the same purchases, twice."""
    undated = [kind for kind in draft.relevant() if kind in draft.undated]
    dated = [kind for kind in draft.relevant() if kind not in draft.undated]
    if not undated or not dated:
        return
    names = f"{', '.join(undated)} (without a time)", ", ".join(dated)
    ways = ("both", f"{names[1]} alone", f"{names[0]} alone")
    answer = draft.decide(
        Decision(f"roles.relevant: {names[0]} and {names[1]}: which says what a customer holds?", ways)
    )
    left_out = {ways[1]: undated, ways[2]: dated}.get(answer, [])
    for kind in left_out:
        draft.leave_out(kind)
    if not left_out:
        draft.ask(
            f"roles.relevant: {', '.join(undated)} has no time, and {', '.join(dated)} has: where one is what came of "
            "the other, keep one of them"
        )


def _is_event(table: TableProfile, is_referred: bool, draft: Draft) -> bool:
    """Whether the rows join two other things, with or without a number of their own."""
    joined = [
        (column, likeness(column) or likeness(other) or 2 * (other in draft.people))
        for column, other in table.references.items()
    ]
    joined += [(column.name, likeness(column.name)) for column in _other_ends(table, draft)]
    liked = {like for _, like in joined}
    if min(liked, default=0) < 0 < max(liked, default=0):
        return True
    if _is_of_action(table) and max(liked, default=0) > 0 and len(set(table.references.values())) > 1:
        return True  # a contract, whatever is said of it elsewhere, such as its invoices
    if is_referred or not (table.key is None or any(column.kind == "time" for column in table.others())):
        return False
    # Of two things one of which is a customer that no file describes.
    is_by_user = len(joined) >= 2 and max(liked) > 0 and bool(table.references) and likeness(table.name) <= 0
    return len(table.references) >= 2 or is_by_user


def _is_of_action(table: TableProfile) -> bool:
    """Whether the rows are called what customers do or have, and no people."""
    return action_of_table(table.name) is not None and likeness(table.name) <= 0


def _is_list_of_words(table: TableProfile, tables: list[TableProfile]) -> bool:
    """Whether the rows are those of a list of plain values, such as the addresses of mail of a customer."""
    around = next((one for one in tables if one.name == table.of != table.name), None)
    return around is not None and len([one for one in table.columns if one not in around.columns]) == 1


def _other_ends(table: TableProfile, draft: Draft) -> list[ColumnProfile]:
    """Identifiers that no table describes."""
    repeated = [c for c in table.others() if c.kind in {"text", "integer"} and 1 < c.distinct < c.filled]
    # So few numbers are levels or answers, and no identifiers.
    repeated = [c for c in repeated if c.kind == "text" or c.looks_like_id or c.distinct > MANY_LEVELS]
    return [c for c in repeated if c.looks_like_id or (draft.is_loose and likeness(c.name))]


def _ends(table: TableProfile, draft: Draft) -> Ends:
    """What a row joins: a user and a product where it has them; identifiers without a table become labels."""
    found = [(column, draft.label_of[other]) for column, other in table.references.items() if other in draft.label_of]
    others = _other_ends(table, draft)
    found += [(one.name, label_name("_".join(stem(one.name)))) for one in others if one.looks_like_id]
    if len({label for _, label in found}) < 2:
        found += [(one.name, label_name("_".join(stem(one.name)))) for one in others if not one.looks_like_id]
    if len(found) < 2:
        return found
    likes = [likeness(label) or likeness(column) for column, label in found]
    if sum(like < 0 for like in likes) > 1:
        # What belongs to a customer itself, such as a savings plan, is not what its lines are of.
        owned = [draft.owners.get(label, frozenset()) & {other for _, other in found} - {label} for _, label in found]
        likes = [0 if like < 0 and of else like for like, of in zip(likes, owned, strict=True)]
    # The one most like users and the one most like products; of those that are like neither the first.
    pairs = [
        (likes[user] - likes[product], -user - product, [found[user], found[product]])
        for user, product in permutations(range(len(found)), 2)
        if found[user][1] != found[product][1]
    ]
    apart, _, best = max(pairs, default=(0, 0, found[:2]), key=lambda pair: pair[:2])
    return best if apart else sorted(best, key=found.index)


def _choose_roles(draft: Draft, entities: list[TableProfile], events: list[tuple[int, Ends]]) -> bool:
    """User and product: by their names, else by who has a personal column, else as the largest event table has them.

    False where no event table joins two things.
    """
    personal = {
        draft.label_of[table.name]
        for table in entities
        if any(is_personal(column, of_user=False) for column in table.others())
    }

    asked = {draft.label_of[table.name] for table in entities if asks_people(table.others())}

    def like_user(end: tuple[str, str]) -> int:
        column, label = end
        return (likeness(label) or likeness(column)) + (label in personal) + 3 * (label in asked)

    choices = [
        (like_user(user) - like_user(product), rows, -number, user[1], product[1])
        for rows, ends in events
        if len({label for _, label in ends}) == 2
        for number, (user, product) in enumerate(permutations(ends))
    ]
    if not choices:
        return False
    sure, _, _, draft.user, draft.product = max(choices)
    if sure <= 0:
        ways = (f"{draft.user} chooses {draft.product}", f"{draft.product} chooses {draft.user}")
        if draft.decide(Decision("roles: which chooses which?", ways)) == ways[1]:
            draft.user, draft.product = draft.product, draft.user
        draft.ask(f"roles: is {draft.user} the user and {draft.product} the product?")
    return True


def _ask_about(draft: Draft, table: TableProfile) -> None:
    """What the files leave open: tables without use, other encodings, keys twice, values that are no key."""
    if table.name not in draft.label_of:
        draft.ask(f"{table.name} joins no two things that were recognised and is not used")
        return
    if table.encoding != "utf-8":
        draft.ask(f"{table.path} is no UTF-8 and is read as {table.encoding}: are its letters right?")
    is_fixed = "columns" in table.options
    if is_fixed:
        draft.ask(f"{table.path} is read in columns of a fixed width: are they cut rightly?")
    if ("skip" in table.options and not is_fixed) or "footer" in table.options:
        ends = [f"its first {table.options['skip']} lines"] if "skip" in table.options and not is_fixed else []
        ends += [f"what begins with {text!r} at its end" for text in table.footer]
        draft.ask(f"{table.path}: {' and '.join(ends)} are no rows and are left out: is that right?")
    if table.options.get("header") is False and "begins" not in table.options:
        draft.ask(
            f"{table.path} has no header; its columns are named by what is in them ({', '.join(table.columns)}): "
            "correct names"
        )
    if table.options.get("trim"):
        draft.ask(f"{table.path}: blanks around its values are left out (trim): is that right?")
    unnamed = sum(re.fullmatch(r"column\d+", column) is not None for column in table.columns)
    if unnamed:
        draft.ask(
            f"{table.path}: its first line leaves {unnamed} columns without a name; is the header below it (skip = 1)?"
        )
    key = table.columns[table.key] if table.key else None
    if key is not None and key.distinct < table.rows and not table.is_shared:
        draft.ask(
            f"{table.name}: {table.rows - key.distinct} rows have a {key.name} of others, or none; a load rejects them"
        )
    _ask_about_values(draft, table)
    for column, count in table.strays.items():
        draft.ask(
            f"{table.name}: {count} different {column} are not in {table.references[column]}; a load rejects their rows"
        )


def _ask_about_values(draft: Draft, table: TableProfile) -> None:
    """What the values leave open: gaps, forms of dates and numbers, and what is of another kind."""
    if "names" in table.options and table.options.get("header") is not False:
        draft.ask(f"{table.path} has a name of a column twice; the later one has a number: is that right?")
    if table.nulls:
        draft.ask(f"{table.path}: {', '.join(table.nulls)} are read as gaps: is that right?")
    for question in table.questions:
        draft.ask(f"{table.name}: {question}")
    for each in table.columns.values():
        for question in each.questions:
            draft.ask(f"{table.name}: {each.name} {question}")
        if each.misfits:
            kind = "dates" if each.kind == "time" else "numbers"
            draft.ask(f"{table.name}: {each.misfits} of {each.name} are no {kind}; a load rejects their rows")


def _newest_alone(draft: Draft, table: TableProfile, folder: Path) -> TableProfile:
    """A table of all users or products with `newest`, where it is one file whose name says the day of a delivery."""
    is_whole = draft.label_of.get(table.name) in {draft.user, draft.product} - {""} and table.of == table.name
    if not (is_whole and table.key and table.columns[table.key].is_unique and "*" in table.path) or table.source:
        return table
    files = list(folder.glob(table.path))
    if len(files) != 1 or not day_of(files[0].name):
        return table
    draft.ask(f"{table.path}: of later deliveries the newest alone is read (newest): is that right?")
    return replace(table, options={**table.options, "newest": True})


def _text(draft: Draft, tables: list[TableProfile], path: Path) -> str:
    looked = "".join(f"#   {question}\n" for question in draft.questions)
    missing = [f"# {question}" for question in draft.questions if " is MISSING: " in question]
    head = [
        "# A first proposal, made from the files: read it, mend it, then load it with --check.",
        *([f"# Look at:\n{looked}"] if looked else []),
        f"[source]\nname = {quote(path.stem)}\n",
        "[source.files]",
        *missing,
        *_files(draft, tables),
        *(_roles(draft) if draft.user else _no_roles(draft)),
        "min_group = 5   # the smallest number of other people that a reason may speak of\n",
    ]
    return "\n".join(head) + "\n" + "\n\n".join(draft.parts) + "\n"


def _roles(draft: Draft) -> list[str]:
    weights = ", ".join(f"{toml_key(kind)} = {weight}" for kind, weight in draft.interactions.items())
    return [
        f"\n[roles]\nuser = {quote(draft.user)}\nproduct = {quote(draft.product)}",
        f"interactions = {quote(list(draft.interactions))}",
        f"weights = {{ {weights} }}   # how much each speaks for a product; below 0: against it",
        f"relevant = {quote(draft.relevant())}   # a hit in evaluation, and held until it ends",
    ]


def _no_roles(draft: Draft) -> list[str]:
    labels = ", ".join(draft.labels) or "a label"
    return [
        "\n[roles]",
        f'user = "MISSING"   # who chooses: {labels}',
        f'product = "MISSING"   # what is chosen: {labels}',
        'interactions = ["MISSING"]   # an edge type from one to the other: [edges.BOUGHT] with from, to, sql',
    ]


def _files(draft: Draft, tables: list[TableProfile]) -> list[str]:
    """The lines of `[source.files]`: what is used, each once."""
    through = {one for table in tables if table.name in draft.label_of for one in (table.through, *table.also)}
    # A table that is joined to one that is joined is told by the statements alone.
    joined = set(re.findall(r'\b(?:FROM|JOIN) "([^"]+)"', "\n".join(draft.parts)))
    used = {
        table.of: table
        for table in reversed(tables)
        if table.name in draft.label_of or table.name in through or table.name in joined
    }
    order = [table.of for table in tables]
    return [_file(used[of], of) for of in dict.fromkeys(order) if of in used]


def _file(table: TableProfile, key: str) -> str:
    given = {"path": quote(table.path)} if table.path else {}
    listed = {option: list(one) if isinstance(one, tuple) else one for option, one in table.options.items()}
    given |= {option: quote(one) for option, one in listed.items()}
    if list(given) == ["path"]:
        return f"{toml_key(key)} = {given['path']}"
    return f"{toml_key(key)} = {{ {', '.join(f'{option} = {text}' for option, text in given.items())} }}"
