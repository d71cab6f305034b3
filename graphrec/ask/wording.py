"""Other words for the sentences of an answer, checked word by word: what says anything else is thrown away.

A wording has one line a sentence. A line has the signs of its sentence, [1], [2], …, all of them and in order, and each
word of it that says something, in its order, or a word of the same meaning. Besides it may have words that say nothing,
such as articles and forms of politeness. Values are filled in afterwards, so that no number, name, product or relation
can be another one. Lines may change places behind the first, and those that are not needed may be left out.
"""

import re
import unicodedata
from collections.abc import Sequence

from graphrec.ask.said import Sentence, seen
from graphrec.languages import Language

_HAN = "\u3000-\u9fff\uff00-\uffef"
_TOKEN = re.compile(r"\[\d+\]|[\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)*|[^\s]")
_SIGN = re.compile(r"\[(\d+)\]")
_APART = re.compile(rf"[\s{_HAN}]")
"""What may stand next to a value without becoming a part of it."""
#: Marks between words that change nothing.
_SILENT = frozenset(".,:;，。；：、")
_BULLETS = "-*• "
#: Words that say nothing. "and" and "of" are none: they join values.
_FREE = {
    "en": "a an the is are also as this that it its your you dear kindly please here so well then thus",
    "de": "ein eine einen einem einer der die das den dem des ist sind auch dies diese dieses es ihr ihre bitte hier",
    "zh": "了 也 请 您 这 该 呢 吧",
}
#: Words of one meaning.
_ALIKE = {
    "en": ("holds has owns possesses", "hold have own possess", "fit suit match", "customers clients"),
    "de": ("hält hat besitzt", "halten haben besitzen", "kunden kundinnen", "betrifft behandelt"),
}


def checked(sentences: Sequence[Sentence], wording: str, language: Language) -> str | None:
    """A wording with its values filled in; None: it says something else, or leaves out what is needed.

    Args:
        sentences: those of the answer.
        wording: what a model made of their templates.
        language: of the answer.
    """
    lines = [line.strip().lstrip(_BULLETS) for line in wording.splitlines() if line.strip(_BULLETS)]
    templates = [_said(one.template, language.code) for one in sentences]
    left = list(range(len(sentences)))
    order = []
    for line in lines:
        said = _said(line, language.code)
        place = next((one for one in left if templates[one] == said), None)
        if place is None or not _stand_apart(line, sentences[place].template):
            return None
        left.remove(place)
        order.append(place)
    if not order or order[0] != 0 or any(sentences[place].needed for place in left):
        return None
    named = [value for one in sentences for value in one.values]
    values = {f"value_{place}": seen(value.text) for place, value in enumerate(named, 1)}
    return "\n".join(language.fill(_SIGN.sub(r"{value_\1}", re.sub("([{}])", r"\1\1", line)), values) for line in lines)


def _said(text: str, language: str) -> list[str]:
    """What says something in a text, in its order: signs, words, numbers, marks such as %."""
    plain = unicodedata.normalize("NFC", text).casefold()
    free = _free(language)
    alike: dict[str, str] = {word: group.split()[0] for group in _ALIKE.get(language, ()) for word in group.split()}
    found: list[str] = _TOKEN.findall(plain)
    return [alike.get(word, word) for word in found if word not in free and word not in _SILENT]


def _free(language: str) -> frozenset[str]:
    return frozenset(_FREE.get(language, "").split())


def _stand_apart(line: str, template: str) -> bool:
    """Whether nothing that stands next to a sign could become a part of its value, but as in the sentence itself."""
    for sign in _SIGN.finditer(line):
        before, after = line[: sign.start()][-1:], line[sign.end() :][:2]
        ends = not after or _APART.match(after) or (after[0] in ".,:;" and (len(after) < 2 or after[1].isspace()))
        if not (not before or _APART.match(before) or f"{before}{sign[0]}" in template):
            return False
        if not (ends or f"{sign[0]}{after[0]}" in template):
            return False
    return True
