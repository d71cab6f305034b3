"""What shows the relation of two entities of a sentence: words around and between, their names, their order."""

from graphrec.extract.classifier import ngrams, words

AROUND = 4
"""Words before and behind a pair that are looked at one by one."""


def pair_features(sentence: str, head: str, tail: str) -> list[str]:
    """The features of a pair of entities in a sentence, by name.

    Args:
        head, tail: the entities as the sentence writes them.
    """
    folded = sentence.casefold()
    first, second = head.casefold(), tail.casefold()
    at, to = folded.find(first), folded.find(second)
    is_forward = at <= to
    (left, start), (right, stop) = sorted([(max(at, 0), first), (max(to, 0), second)])
    before, between, after = folded[:left], folded[left + len(start) : right], folded[right + len(stop) :]
    heads, tails = words(first), words(second)
    order = "f" if is_forward else "b"
    middle = words(between)
    return [
        *ngrams(middle, 3, f"m{order}"),
        *ngrams(middle, 2, "m"),
        *ngrams(words(before)[-AROUND:], 2, f"l{order}"),
        *ngrams(words(after)[:AROUND], 2, f"r{order}"),
        *ngrams(words(folded), 1, "s"),
        f"h={first}", f"t={second}", f"ht={first}|{second}", f"o={order}",
        *ngrams(heads, 2, "h"), *ngrams(tails, 2, "t"),
        *(f"H:{one}|T:{other}" for one in heads[-2:] for other in tails[-2:]),
        *(f"hx:{one[-3:]}" for one in heads[-1:]), *(f"tx:{one[-3:]}" for one in tails[-1:]),
        f"d={min(len(middle), 12) // 3}", f"inside={first in second or second in first}",
        f"caps={_caps(sentence, head)}{_caps(sentence, tail)}",
    ]  # fmt: skip


def _caps(sentence: str, name: str) -> str:
    return "A" if name.isupper() else "a" if name.islower() else "x" if name not in sentence else "M"
