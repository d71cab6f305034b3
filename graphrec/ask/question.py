"""A question in somebody's own words, as what it asks for: intent, products, amount. Patterns come before examples."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from graphrec import queries
from graphrec.ask.patterns import Intent, Order, fitting, order_of, plainer, says
from graphrec.errors import UsageError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.languages import LANGUAGES, language_of
from graphrec.serving.reasons.sentences import Sentences

POPULAR = "popular"
"""The library's question of what is held most."""
LONGEST = 1000
"""Characters of a question."""
SHORT = 4
"""Words of a question that asks for a column and says no more."""
MOST_KINDS = 30
"""A column with more different values says no kinds."""
FEW = 5
"""Products that an unclear name may mean, to choose from."""
LEAST_BARE = 100
"""Of a number that is an amount without a currency."""
TYPED, FORM = 6, 3
"""Letters of a word of a name that may be mistyped, and of one that tells products apart."""
LINKS = 3
"""Words at most between two words of a name, such as "of the"."""
HAN_PART, LONGEST_PART = 4, 16
"""Signs of a part of a Chinese name that may stand for it."""

_OF_PRODUCTS = ("why", "why_not", "compare", "cost", "risk", "product", "what_if", "statement")
#: What one question may ask for at once.
_TOGETHER = ("why", "why_not", "cost", "risk", "product", "holdings", "portrait", "portfolio")
_BESIDES: tuple[Intent, ...] = ("why", "why_not", "cost", "risk", "holdings", "portrait", "portfolio")
_OF_CUSTOMER: tuple[Intent, ...] = ("holdings", "portrait", "portfolio")
"""Of these one may ask, and besides for a list."""
_OF_LISTS: tuple[Intent, ...] = (*_BESIDES, "recommend")
_CLAUSE = re.compile(r"\s(?:and|und|sowie|plus|&)\s|[,;?!。，；？！、]|和|以及|还有|并且")
_HAN = re.compile("[\u3400-\u9fff]")
_GERMAN = re.compile(
    r"[äöüß]|\b(ich|mir|mich|mein\w*|ist|der|die|das|den|dem|ein|eine|und|oder|nicht|kein\w*|wie|wer|warum|wieso|"
    r"welche\w*|für|zu|zum|von|mit|bei|über|kunde\w*|bitte|gibt|es|hat|habe|sind|wird|kann|zwischen|kostet|im|auf|gegen|spricht|aus)\b"
)
_ENGLISH = re.compile(
    r"\b(i|me|my|is|are|the|a|and|or|not|what|how|who|why|which|for|to|of|with|does|do|did|about|customer\w*|client\w*|"
    r"please|there|has|have|will|can|between|show|tell|list)\b"
)
#: Words that speak of what is held.
_HOLDING = re.compile(
    r"\b(hold\w*|own\w*|portfolio|positions?|products?|contracts?|policies|bought|investments?|produkte?|verträge|"
    r"bestand|depot|polizzen|policen|gekauft|\w*versicherung(en)?)\b|持有|持仓|产品|保单|买"
)
#: Who a column may be asked of.
_OWN = re.compile(
    r"\b(i|my|me|he|she|his|her|customers?|clients?|ich|mein\w*|er|sie|sein\w*|ihr\w*|kunde\w*|kundin\w*)\b|@u|我|他|她|客户"
)
_TOKEN = re.compile(r"[^\s,;:!?()\"'“”„‘’«»，。；：！？（）、《》「」]+")
_LATIN = re.compile(r"[a-z0-9\u00c0-\u024f][a-z0-9\u00c0-\u024f.\-]*")
_EDGE = re.compile(r"[A-Za-z0-9_\u00c0-\u024f]")
_NUMBER = re.compile(r"\d[\d.,']*\d|\d")
_MONEY = r"(?:€|\$|£|¥|eur|euros?|usd|dollars?|chf|gbp|yuan|rmb|元|欧元|块|美元)"
_AMOUNT = re.compile(
    rf"(?:{_MONEY}\s*(?P<before>\d[\d.,']*))|(?:(?P<after>\d[\d.,']*)\s*(?P<scale>万|千|k\b|tsd\.?|mio\.?|grand\b|thousand\b|tausend\b|million(?:en|s)?\b)?\s*{_MONEY})"
    r"|(?:\b(?:invest\w*|put in|anleg\w*|anlage von|投入|投资)\D{0,12}(?P<bare>\d[\d.,']*)\s*(?P<scale2>万|千|k\b)?)",
)
_ORDINALS = {
    1: r"\b(first|1st|top|erste[nrsm]?) (one|product|choice|suggestion|produkt|vorschlag)\b|\bthe first\b(?! two)|"
    r"\b(der|die|das|den|dem|beim) erste[nrsm]?\b|第(一|1)(个|款|只|名)?",
    2: r"\b(second|2nd|zweite[nrsm]?)\b|第(二|2)(个|款|只|名)?",
    3: r"\b(third|3rd|dritte[nrsm]?)\b|第(三|3)(个|款|只|名)?",
    4: r"\b(fourth|4th|vierte[nrsm]?)\b|第(四|4)(个|款|只|名)?",
    5: r"\b(fifth|5th|fünfte[nrsm]?)\b|第(五|5)(个|款|只|名)?",
    -1: r"\bthe last (one|product)\b|\b(der|die|das|den|dem|beim) letzte[nrsm]?\b|最后(一个|一款)",
}
_SCALES = {
    "万": 10_000, "千": 1_000, "k": 1_000, "tsd": 1_000, "grand": 1_000, "thousand": 1_000, "tausend": 1_000,
    "mio": 1_000_000,
    **dict.fromkeys(("million", "millions", "millionen"), 1_000_000),
}  # fmt: skip
_SCALED = re.compile(
    r"(?P<number>\d[\d.,']*)\s*(?P<scale>万|千|k\b|tsd\b\.?|mio\b\.?|grand\b|thousand\b|tausend\b|million(?:en|s)?\b)"
)
_HAN_DIGITS = {sign: number for signs in ("零一二三四五六七八九", "〇壹两") for number, sign in enumerate(signs)}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000}
_HAN_NUMBER = re.compile("[零〇一二两三四五六七八九]?[十百千万][零〇一二两三四五六七八九十百千万]*")
_WORDS: dict[str, int] = {
    word: number
    for words in (
        "one two three four five six seven eight nine ten",
        "ein zwei drei vier fünf sechs sieben acht neun zehn",
        "一 二 三 四 五 六 七 八 九 十",
        "_ 两",
    )
    for number, word in enumerate(words.split(), 1)
}  # fmt: skip
_COUNTED = {
    "en": r"\b({n})\b(?:\s+(?!years?\b|months?\b)\w+){{0,2}}\s+(?:products?|recommend\w*|suggest\w*|ideas?|offers?|"
    r"things?|ones?|options?|picks?|tips?|matches)"
    r"|\b(?:top|max\.?|maximum|at most|up to|no more than)\s+({n})\b",
    "de": r"\b({n})\b(?:\s+\w+){{0,2}}\s+(?:produkte?\w*|vorschl\w*|empfehl\w*|angebote?|ideen|"
    r"sachen|dinge|stück|tipps?|optionen|vorschläge)"
    r"|\b(?:top|max\.?|maximal|höchstens|nicht mehr als)\s+({n})\b",
    "zh": r"最多\s*({n})|({n})\s*(?:个|款|种|只|项)",
}
#: A number that counts what follows: no years, no per cent, no money.
_BEFORE = (
    r"(?<![\w.,])({n})(?![\w.,]*\d)(?!\s*(?:%|-|per\s?cent|prozent|years?\b|months?\b|jahr|monat|年|月|万|千|[€$£¥]|"
    r"eur\b|usd\b|chf\b|gbp\b|euro))\s*((?:\S+\s*){{1,3}})"
)


_AT_MOST = (
    r"(?:under|below|less than|at most|up to|max(?:imum|\.)?|no more than|unter|weniger als|höchstens|bis(?: zu)?|"
    r"maximal|低于|不超过|最多|小于|至多)"
)
_LIMITS: tuple[tuple[re.Pattern[str], Order], ...] = (
    (re.compile(rf"{_AT_MOST}\s*(?P<most>\d[\d.,]*)\s*(?:%|per ?cent|prozent)"), "fee"),
    (
        re.compile(rf"(?:risk(?: class)?|risikoklasse|risiko|风险(?:等级)?)\D{{0,12}}{_AT_MOST}\s*(?P<most>\d)\b"),
        "risk",
    ),
)


@dataclass(frozen=True)
class Parsed:
    """What a question asks for."""

    text: str
    """The question, its spaces put in order."""
    language: str
    """en, de or zh: that of the question."""
    intent: Intent
    products: tuple[str, ...] = ()
    """Ids, in the order in which they are named."""
    users: tuple[str, ...] = ()
    """Ids of customers that it names."""
    unclear: tuple[str, ...] = ()
    """Products that a part of the question may mean, where it names none."""
    less: bool = False
    """Of a what-if: the product is taken away."""
    amount: float | None = None
    k: int | None = None
    query: str | None = None
    kinds: tuple[str, ...] = ()
    """Of products: values of their kind that a list is to have alone."""
    order: Order | None = None
    """What a list is ordered by, the least first; None: by rank."""
    also: tuple[Intent, ...] = ()
    """What it asks for besides."""
    places: tuple[int, ...] = ()
    """Places that it names in a list that was given before: 1 is the first, -1 the last."""
    is_more: bool = False
    """Whether a list is to go on after the one before."""
    below: float | None = None
    """What a list is ordered by is at most so much."""
    is_least: bool = False
    """Whether the least amount alone is asked for."""
    gains: bool = False
    """Of a what-if: words say that the product comes besides."""
    beyond: tuple[str, ...] = ()
    """Products that a list leaves out, since the one before had them."""
    by: str = "pattern"
    """What found the intent: pattern, example, or nothing."""

    @property
    def slots(self) -> dict[str, object]:
        """What it names, without what it does not."""
        named: dict[str, object] = {
            "products": list(self.products), "users": list(self.users), "amount": self.amount, "k": self.k,
            "query": self.query, "below": self.below, "less": self.less or None,
            "kinds": list(self.kinds), "order": self.order, "also": list(self.also), "beyond": list(self.beyond),
        }  # fmt: skip
        return {name: value for name, value in named.items() if value not in (None, [])}


class Names:
    """The products and customers of a snapshot, as questions name them.

    Args:
        snapshot: the facts; names of persons are not in it.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        roles = snapshot.schema.roles
        self._snapshot, self._product = snapshot, roles.product
        self._users, self._products = snapshot.nodes(roles.user).ids, snapshot.nodes(roles.product).ids

    @cached_property
    def _names(self) -> list[tuple[str, str]]:
        """Each product's folded name and its id, the longest name first."""
        column = self._snapshot.meta.names[self._product]
        if column is None:
            return []
        values = self._snapshot.nodes(self._product).column(column)
        pairs = zip(values.values, values.valid, self._products, strict=True)
        return sorted(((folded(str(name)), one) for name, ok, one in pairs if ok and str(name)), key=_longest)

    def kinds(self, text: str, language: str) -> tuple[str, ...]:
        """The kinds of products that a question names, in their own words or those of its language."""
        node, nodes = self._snapshot.schema.nodes[self._product], self._snapshot.nodes(self._product)
        column = node.show.get("kind", "kind")
        if column not in nodes.columns or column in {*node.personal, *node.protected}:
            return ()
        found = nodes.column(column)
        values = sorted({str(value) for value, ok in zip(found.values, found.valid, strict=True) if ok})
        if len(values) > MOST_KINDS:
            return ()
        words = {code: Sentences(self._snapshot.schema, language_of(code)) for code in LANGUAGES}
        own = words.get(language) or Sentences(self._snapshot.schema, language_of(language))
        forms = {value: {*_plurals(folded(value)), *_plurals(folded(own.word(value)))} for value in values}
        for value in values:
            # A value in the words of another language, such as Anleihe, is asked for as a bond as well.
            for code, spoken in words.items():
                named = {key for key in language_of(code).words if folded(spoken.word(key)) == folded(value)}
                forms[value] |= {form for key in named for form in _plurals(folded(own.word(key)))}
        return tuple(value for value in values if any(_names(text, form) for form in forms[value]))

    def about(self, text: str, language: str, *, has_product: bool) -> Intent | None:
        """Product or portrait, where a question names a column or attribute of a product or of the customer."""
        if has_product and self._names_field(self._product, text, language):
            return "product"
        is_short = len(_TOKEN.findall(text)) <= SHORT
        if (is_short or _OWN.search(text)) and self._names_field(self._snapshot.schema.roles.user, text, language):
            return "portrait"
        return None

    def _names_field(self, label: str, text: str, language: str) -> bool:
        schema = self._snapshot.schema
        words, node = Sentences(schema, language_of(language)), schema.nodes[label]
        hidden = {*node.personal, *node.protected, *node.encoded, "id", "name"}
        fields = [column.name for column in node.columns if column.name not in hidden]
        fields += [edge.target for edge in schema.edges.values() if edge.source == label and not edge.protected]
        people = {schema.roles.user, schema.roles.product}
        said = {form for one in fields if one not in people for form in (one.replace("_", " "), words.word(one))}
        return any(_names(text, folded(form)) for form in said if form)

    def replaced(self, text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """A question with @p and @u for what it mentions, folded, and the ids of these products and customers."""
        found: list[tuple[int, int, str, str]] = []
        taken: set[int] = set()
        spoken, at = text, [place for place, sign in enumerate(text) for _ in _small(sign)]
        text = "".join(map(_small, text))
        for start, end, sign, one in (*self._by_name(text), *self._by_id(text, spoken, at)):
            if taken.isdisjoint(range(start, end)) and _stands_alone(text, start, end):
                taken.update(range(start, end))
                found.append((start, end, sign, one))
        for start, end, one in self._by_part(text, taken):
            found.append((start, end, "@p", one))
        pieces, last = [], 0
        for start, end, sign, _ in sorted(found):
            pieces += [text[last:start], sign]
            last = end
        ids = {sign: tuple(dict.fromkeys(one for _, _, s, one in sorted(found) if s == sign)) for sign in ("@p", "@u")}
        return "".join([*pieces, text[last:]]), ids["@p"], ids["@u"]

    def _by_name(self, text: str) -> Iterator[tuple[int, int, str, str]]:
        for name, one in self._names:
            if name in text:
                yield from ((*match.span(), "@p", one) for match in re.finditer(re.escape(name), text))

    @cached_property
    def _by_word(self) -> dict[str, set[str]]:
        """The products whose names hold a word."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, one in self._names:
            for word in _TOKEN.findall(name):
                found[word].add(one)
        return found

    def _with_word(self, word: str) -> set[str]:
        """The products whose names hold a word, also as its genitive or plural, or with one letter mistyped."""
        for form in (word, re.sub("'?s$", "", word)):
            if found := self._by_word.get(form):
                return found
        if len(word) < TYPED:
            return set()
        near = [one for one in self._by_word if one[0] == word[0] and _is_mistyped(word, one)]
        return self._by_word[near[0]] if len(near) == 1 else set()

    def _by_part(self, text: str, taken: set[int]) -> Iterator[tuple[int, int, str]]:
        """Mentions by some words of a name that no other product has together, in any order."""
        words = [one for one in _words_of(text) if taken.isdisjoint(range(*one.span()))]
        place = 0
        while place < len(words):
            ids, end, said = self._with_word(words[place].group()), place + 1, [words[place].group()]
            at = end
            while ids and at < len(words) and at - end < LINKS:
                word = words[at].group()
                if both := ids & self._with_word(word):
                    ids, end = both, at + 1
                    said.append(word)
                elif word not in _LINKING:
                    break
                at += 1
            is_told = any(len(word) >= FORM and _tells(word) for word in said)
            is_typed = any(word in self._by_word for word in said)
            if len(ids) == 1 and len(set(said)) > 1 and is_told and is_typed:
                yield words[place].start(), words[end - 1].end(), next(iter(ids))
            place = end
        yield from self._by_signs(text, taken)

    def _by_signs(self, text: str, taken: set[int]) -> Iterator[tuple[int, int, str]]:
        """Mentions by the longest part of a Chinese name that no other product has."""
        names = [(name, one) for name, one in self._names if _HAN.search(name)]
        joined = "\n".join(name for name, _ in names)
        for run in re.finditer(f"{_HAN.pattern}+", text) if names else ():
            start, stop = run.span()
            for length in range(min(stop - start, LONGEST_PART), HAN_PART - 1, -1):
                parts = (place for place in range(start, stop - length + 1) if text[place : place + length] in joined)
                place = next(parts, None)
                if place is None:
                    continue
                part = text[place : place + length]
                ids = [one for name, one in names if part in name]
                if len(ids) == 1 and taken.isdisjoint(range(place, place + length)):
                    yield place, place + length, ids[0]
                break

    def _by_id(self, text: str, spoken: str, at: Sequence[int]) -> Iterator[tuple[int, int, str, str]]:
        """Mentions by id: as it is written, or in small letters or capitals."""
        for start, end in (span for match in self._tokens(text) for span in _trimmed(match)):
            forms = dict.fromkeys((spoken[at[start] : at[end - 1] + 1], text[start:end], text[start:end].upper()))
            for ids, sign in ((self._products, "@p"), (self._users, "@u")):
                if (one := next((form for form in forms if ids.find(form) >= 0), None)) is not None:
                    yield start, end, sign, one

    def _tokens(self, text: str) -> list[re.Match[str]]:
        """What may be an id: words, and in scripts without spaces the Latin parts between."""
        found = list(_TOKEN.finditer(text))
        return [*found, *(match for match in re.finditer(r"[A-Za-z0-9][\w.\-]*", text, re.ASCII) if _HAN.search(text))]

    def unclear(self, text: str) -> tuple[tuple[str, ...], str]:
        """The products whose names hold the most words of a question in a row, at least two, or a long rare one; and
        these words."""
        words = [match.group() for match in _words_of(text)]
        for length in range(min(len(words), 6), 0, -1):
            for start in range(len(words) - length + 1):
                some = words[start : start + length]
                part = " ".join(some)
                if not any(len(word) >= (5 if length == 1 else FORM) and _tells(word) for word in some):
                    continue
                ids = [one for name, one in self._names if part in name and _stands_alone(name, *_span(name, part))]
                if ids and (length > 1 or len(ids) <= FEW):
                    return tuple(sorted(ids)[:FEW]), part
        return (), ""


def spoken_text(question: str) -> str:
    """A question with one form of each sign, single spaces, and no sign that is not seen."""
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKC", question)
        if sign.isspace() or unicodedata.category(sign)[0] != "C"
    )
    return " ".join(plain.split())


def _names(text: str, form: str) -> bool:
    """Whether a text names something by a form of its name."""
    return any(_stands_alone(text, *match.span()) for match in re.finditer(re.escape(form), text))


def _plurals(word: str) -> tuple[str, ...]:
    """A word, and what more than one of it may be called."""
    if not word or _HAN.search(word):
        return (word,) if word else ()
    return (word, *(word + end for end in ("s", "es", "n", "en", "e")))


#: Words that people ask with and that many names of products hold.
_PLAIN = frozenset(
    {
        "product", "products", "produkt", "produkte", "which", "customer", "client", "kunde", "kunden", "portfolio",
        "income", "growth", "global", "europe", "funds", "fonds", "share", "shares", "bonds", "anleihe", "account",
        "konto", "insurance", "deposit", "loan", "credit", "card", "cover", "fund", "bond", "stock", "index",
        "and", "und", "for", "für", "with", "mit", "what", "that", "this",
    }
)  # fmt: skip


#: Words between two parts of a name.
_LINKING = frozenset(
    {"from", "of", "by", "the", "a", "called", "named", "von", "vom", "der", "die", "das", "des", "dem", "den", "bei"}
)


def _words_of(text: str) -> list[re.Match[str]]:
    """The words of a text; of one with Chinese signs the parts between them."""
    return list((_LATIN if _HAN.search(text) else _TOKEN).finditer(text))


def _tells(word: str) -> bool:
    """Whether a word of a name tells it from others."""
    return word not in _PLAIN and word not in _LINKING


def _is_mistyped(word: str, known: str) -> bool:
    """Whether one letter of a word is another one, is missing, too many, or changed places with the next.

    >>> [_is_mistyped(word, "kestrelholm") for word in ("kestelholm", "kestrlehom", "kestrelhlom", "kestrelholm")]
    [True, False, True, True]
    """
    start = next((n for n, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    left, right = word[start:], known[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[2:] == right[2:] and left[:2] == right[1::-1])
    )


def folded(text: str) -> str:
    """A text as it is compared: one form of each sign, small letters, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("’", "'").split())


def language_of_question(text: str, default: str = "en") -> str:
    """en, de or zh; the default where no word tells.

    >>> [language_of_question(text) for text in ("Why?", "Was kostet das?", "为什么推荐P01?", "P01?")]
    ['en', 'de', 'zh', 'en']
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    if _HAN.search(plain):
        return "zh"
    german, english = len(_GERMAN.findall(plain)), len(_ENGLISH.findall(plain))
    if not german and not english:
        return default
    return "de" if german > english else "en"


def parse(
    question: str, names: Names, default: str = "en", *, nearest: Callable[[str], Intent | None] | None = None
) -> Parsed:
    """What a question asks for.

    Args:
        default: language of a question whose words tell none.
        nearest: says the intent of the nearest examples where no pattern fits; None: there are no vectors.

    Raises:
        UsageError: it is empty or too long.
    """
    text = spoken_text(question)
    if not text or len(text) > LONGEST:
        raise UsageError(f"the question has {len(text):,} characters; want 1 to {LONGEST:,}")
    spoken = language_of_question(text, default)
    plain, products, users = names.replaced(text)
    plain = plainer(folded(plain), spoken)
    spoken, intents = _fitting(plain, spoken, products, knows_language=language_of_question(text, "") != "")
    intent, by = (intents[0], "pattern") if intents else ("none", "nothing")
    if (
        says("popular", plain, spoken)
        and not products
        and intent in ("none", "recommend", "product")
        and (intents[:1] != ("none",))
    ):
        intent, by = "query", "pattern"
    if by == "nothing":
        intent, by = _else(plain, spoken, products, names, nearest)
    intent = _meant(intent, plain, spoken, products, names)
    parsed = _narrowed(Parsed(text, spoken, intent, products, users, by=by), plain, names)
    parsed = replace(parsed, also=_also(parsed.intent, plain, spoken), places=_places(plain))
    if not products and not parsed.places and (intent in _OF_PRODUCTS or by == "nothing"):
        parsed, plain = _clearer(parsed, plain, names)
    return with_slots(parsed, plain)


def _fitting(
    plain: str, spoken: str, products: tuple[str, ...], *, knows_language: bool
) -> tuple[str, tuple[Intent, ...]]:
    """The language of a question, and the intents whose patterns fit it."""
    intents: tuple[Intent, ...] = tuple(fitting(plain, spoken))
    if products and order_of(plain, spoken) is None and not says("beyond", plain, spoken):
        # A list is not asked for with the name of one product.
        intents = _without_lists(intents)
    if intents or knows_language:
        return spoken, intents
    # Words that two languages share: the first language with a pattern for it.
    return next(((one, fits) for one in LANGUAGES if (fits := tuple(fitting(plain, one)))), (spoken, intents))


def _without_lists(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    return tuple(one for one in intents if one != "recommend")


def _else(
    plain: str, spoken: str, products: tuple[str, ...], names: Names, nearest: Callable[[str], Intent | None] | None
) -> tuple[Intent, str]:
    """The intent of a question that no pattern fits, and what found it."""
    if (found := names.about(plain, spoken, has_product=bool(products))) is not None:
        return found, "pattern"
    if nearest is not None and (found := nearest(plain)) is not None:
        return found, "example"
    if (found := next(fitting(plain, spoken, weak=True), None)) is not None:
        return found, "pattern"
    return "none", "nothing"


def _meant(intent: Intent, plain: str, spoken: str, products: tuple[str, ...], names: Names) -> Intent:
    """The intent of a question that says it in two ways."""
    parts = _of_parts(plain, spoken) if intent == "recommend" else []
    if parts and parts[-1] == "recommend" and (first := parts[0]) is not None and first in _OF_CUSTOMER:
        # What is held and what fits: in the order of the question.
        return first
    if intent == "holdings" and (products or not _HOLDING.search(plain)):
        # What is held is no column; where the question names one, that is asked for.
        return names.about(plain, spoken, has_product=bool(products)) or intent
    return intent


def _clearer(parsed: Parsed, plain: str, names: Names) -> tuple[Parsed, str]:
    """A question that names no product in full with those that it may mean; with the product where that is one."""
    unclear, part = names.unclear(plain)
    if len(unclear) != 1:
        return replace(parsed, unclear=unclear), plain
    plain = plain.replace(part, "@p", 1)
    parsed = replace(parsed, products=unclear)
    if parsed.by == "nothing" and (intent := next(fitting(plain, parsed.language), None)) is not None:
        parsed = replace(parsed, intent=intent, by="pattern")
    return parsed, plain


def _narrowed(parsed: Parsed, plain: str, names: Names) -> Parsed:
    """A question that wants some of the products that fit, by kind or order, as one for a list."""
    if parsed.intent not in ("recommend", "cost", "risk", "product", "none") or (
        parsed.intent == "none" and parsed.by != "nothing"
    ):
        return parsed
    order = order_of(plain, parsed.language)
    below, limited = _below(plain, parsed.language)
    order = order or limited
    is_list = parsed.intent == "recommend" or order is not None
    if not is_list and parsed.by != "nothing":
        return parsed
    kinds = names.kinds(plain, parsed.language)
    if not is_list and not kinds:
        return parsed
    by = "pattern" if parsed.by == "nothing" else parsed.by
    k = _count_of(plain, parsed.language, names) if kinds else None
    return replace(parsed, intent="recommend", kinds=kinds, order=order, below=below, by=by, k=k)


def _below(text: str, language: str) -> tuple[float | None, Order | None]:
    """What a list is to have at most, and of what: a fee in per cent, or a risk class."""
    for form, order in _LIMITS:
        if (match := form.search(text)) is not None:
            return _number(match["most"], language), order
    return None, None


def with_slots(parsed: Parsed, plain: str) -> Parsed:
    """A parsed question with the amount, the number of products and the query that it names."""
    intent = parsed.intent
    if intent == "loan":
        parsed = replace(parsed, amount=_amount(plain, parsed.language) or _bare(plain, parsed.language))
    if intent == "what_if":
        less = bool(parsed.products) and says("less", plain, parsed.language)
        amount = _amount(plain, parsed.language)
        if amount is None and not parsed.products:
            bare = _bare(plain, parsed.language)
            amount = bare if bare is not None and bare >= LEAST_BARE else None
        parsed = replace(parsed, less=less, gains=says("gains", plain, parsed.language), amount=amount)
    if intent == "recommend":
        k = _count(plain, parsed.language) or parsed.k
        parsed = replace(parsed, k=k, is_more=says("beyond", plain, parsed.language))
    if intent == "cost":
        parsed = replace(parsed, is_least=says("least", plain, parsed.language))
    if intent == "query":
        popular = POPULAR if says("popular", plain, parsed.language) else None
        parsed = replace(parsed, query=_query(plain) or popular)
    return parsed


def _also(intent: Intent, plain: str, language: str) -> tuple[Intent, ...]:
    """What the other parts of a question ask for, where each of them is answered by itself."""
    if intent not in _TOGETHER:
        return ()
    wanted = _OF_LISTS if intent in _OF_CUSTOMER else _BESIDES
    return tuple(dict.fromkeys(one for one in _of_parts(plain, language) if one in wanted and one != intent))


def _of_parts(plain: str, language: str) -> list[Intent | None]:
    """What each part of a question asks for by itself."""
    parts = [part.strip() for part in _CLAUSE.split(plain)]
    return [next(fitting(part, language), None) for part in parts if part and part != "@p"]


def _places(plain: str) -> tuple[int, ...]:
    """The places in a list that a question names, such as the second one."""
    found = [(match.start(), place) for place, form in _ORDINALS.items() for match in re.finditer(form, plain)]
    return tuple(dict.fromkeys(place for _, place in sorted(found)))


def _small(sign: str) -> str:
    """A sign as names are compared, of one sign or two."""
    return sign.casefold().replace("’", "'")


def _longest(pair: tuple[str, str]) -> tuple[int, str]:
    return -len(pair[0]), pair[1]


def _span(text: str, part: str) -> tuple[int, int]:
    start = text.index(part)
    return start, start + len(part)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a part of a text is no part of a longer word; Chinese writes words without spaces."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return not (before and _EDGE.match(before) and _EDGE.match(text[start])) and not (
        after and _EDGE.match(after) and _EDGE.match(text[end - 1])
    )


def _trimmed(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """A word, and the word without a point or an apostrophe that ends it."""
    start, end = match.span()
    yield start, end
    text = match.group()
    for cut in (text.rstrip(".-"), re.sub(r"['’]s$", "", text)):
        if cut and cut != text:
            yield start, start + len(cut)


def _count(text: str, language: str) -> int | None:
    """How many products are asked for; None: it is not said."""
    number = "|".join([r"\d{1,3}", *_WORDS])
    match = re.search(_COUNTED.get(language, _COUNTED["en"]).format(n=number), text)
    return None if match is None else _as_count(next(one for one in match.groups() if one))


def _count_of(text: str, language: str, names: Names) -> int | None:
    """The number before a kind of product, as in "3 bonds"; None: there is none."""
    for match in re.finditer(_BEFORE.format(n="|".join([r"\d{1,3}", *_WORDS])), text):
        if names.kinds(match[2], language):
            return _as_count(match[1])
    return None


def _as_count(written: str) -> int | None:
    """A number of products, 20 at most, in digits or as a word."""
    if written not in _WORDS and not written.isdecimal():
        return None
    return min(max(_WORDS.get(written) or int(written), 1), 20)


def _amount(text: str, language: str) -> float | None:
    match = _AMOUNT.search(text)
    if match is None:
        return None
    written = match["before"] or match["after"] or match["bare"]
    scale = (match["scale"] or match["scale2"] or "").rstrip(".")
    return _number(written, language) * _SCALES.get(scale, 1)


def _scaled(text: str, language: str) -> float | None:
    """The number of a question that is written with its scale, as 20k or 2万, or in Chinese signs; None: none is."""
    match = _SCALED.search(text)
    if match is not None:
        return _number(match["number"], language) * _SCALES[match["scale"].rstrip(".")]
    return next((value for one in _HAN_NUMBER.findall(text) if (value := _han_number(one)) >= _SCALES["千"] / 10), None)


def _han_number(signs: str) -> float:
    """A number in Chinese signs; a digit that ends it counts the next lower unit.

    >>> [_han_number(text) for text in ("两万", "一万五", "三千五百", "十二万")]
    [20000.0, 15000.0, 3500.0, 120000.0]
    """
    total = part = digit = 0
    last = 1
    for sign in signs:
        if sign in _HAN_UNITS:
            last = _HAN_UNITS[sign]
            part, digit = part + max(digit, 1) * last, 0
        elif sign == "万":
            total, part, digit, last = (total + max(part + digit, 1)) * _SCALES["万"], 0, 0, _SCALES["万"]
        else:
            digit = _HAN_DIGITS.get(sign, 0)
    return float(total + part + digit * (last // 10 if last > 1 else 1))


def _bare(text: str, language: str) -> float | None:
    """The largest number of a question that names no currency; None: there is none."""
    found = [_number(one, language) for one in _NUMBER.findall(text)]
    scaled = _scaled(text, language)
    return max([*found, *([] if scaled is None else [scaled])], default=None)


def _number(text: str, language: str) -> float:
    """A number as people of a language write it."""
    thousands, decimal = (".", ",") if language == "de" else (",", ".")
    plain = text.replace("'", "").strip(".,")
    # 5.000 in English is five with three decimals nowhere that amounts are written.
    if re.fullmatch(rf"\d{{1,3}}(?:[{re.escape(thousands + decimal)}]\d{{3}})+", plain):
        return float(re.sub(r"\D", "", plain))
    return float(plain.replace(thousands, "").replace(decimal, "."))


def _query(text: str) -> str | None:
    """The question of the library that is named; None: none is."""
    words: Sequence[str] = re.findall(r"[a-z][\w-]*", text)
    known = {name.rpartition("/")[2] for name in queries.names("analyst")}
    return next((word for word in words if word in known), None)
