"""The words of names: of files, columns and values, in English, German, Chinese, and languages of Western Europe."""

import re

_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ungen", "ung"), ("kunden", "kunde"), ("produkte", "produkt"), ("s", ""))
_ID_WORDS = (
    *("id", "key", "code", "no", "nr", "number", "isin", "ticker", "symbol", "sku", "uuid", "cusip", "wkn", "ean"),
    *("ref", "reference", "sedol", "valor", "lei"),
    *("nummer", "kennung", "schlüssel", "schluessel", "num", "nbr", "cd", "cod", "ident", "identifier"),
    *("numéro", "numero", "número", "núm", "código", "codigo", "cód", "codice", "réf", "référence", "referencia"),
    *("identifiant", "identificador", "identificativo", "riferimento", "matricule", "dni", "nif"),
)
_CHINESE_TABLE = re.compile(r"(?<=\w)((基本)?(信息|资料|明细|档案)表?|表)$")
_ID_ENDING = re.compile(r"(?<=\w)(编号|编码|代码|代号|流水号|账号|号|nummer|nr|kennung|schlüssel|schluessel|ID|Id)$")
_ID_FIRST = (
    *("id", "code", "código", "codigo", "cód", "cod", "codice", "num", "numéro", "numero", "número", "núm"),
    *("réf", "référence", "referencia", "identifiant", "identificador"),
)
"""Where the thing comes second: código producto, numéro de client."""
_ID_SIGN = re.compile(r"#\s*$|№|(?<!\w)n[°º]|(?<!\w)no\.", re.IGNORECASE)
_LINKS = ("de", "du", "des", "del", "della", "di", "da", "do", "la", "le", "el", "van", "of", "the")


def words(text: str) -> list[str]:
    """The words of a name: `CustomerID` and `customer_id` are both customer, id."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return [word.lower() for word in re.split(r"[\W_]+", split) if word]


def singular(text: str) -> str:
    """A table's name for one of its rows: customers is customer, categories is category."""
    if (short := _CHINESE_TABLE.sub("", text)) and short != text:
        return short
    for ending, one in _ENDINGS:
        if text.lower().endswith(ending) and len(text) > len(ending) + 2 and not text.lower().endswith("ss"):
            return text[: -len(ending)] + one
        if text.lower() == ending:
            return one or text
    return text


def is_identifier(column: str) -> bool:
    """Whether a column is called like an identifier: customer_id, ISIN, Kundennummer, 客户编号."""
    found = words(column)
    return bool(found) and (
        found[-1] in _ID_WORDS or found[0] in _ID_FIRST or bool(_ID_ENDING.search(column) or _ID_SIGN.search(column))
    )


def stem(column: str) -> list[str]:
    """The words of a column without those of an identifier: customer_id is customer, Kundennr is kunden."""
    kept = [word for word in words(_ID_SIGN.sub(" ", _ID_ENDING.sub("", column))) if word not in (*_ID_WORDS, *_LINKS)]
    return kept or words(column)
