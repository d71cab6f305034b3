"""The words of names: of files, columns and values, in English, German, Chinese, and languages of Western Europe."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from itertools import chain, count
from pathlib import Path

_ENDINGS = (
    *(
        ("movies", "movie"),
        ("series", "series"),
        ("ies", "y"),
        ("sses", "ss"),
        ("tches", "tch"),
        ("statuses", "status"),
        ("status", "status"),
        ("ungen", "ung"),
        ("ionen", "ion"),
        ("kunden", "kunde"),
        ("kunder", "kunde"),
        ("klienci", "klient"),
        ("clienti", "cliente"),
        ("prodotti", "prodotto"),
        ("asiakkaat", "asiakas"),
        ("tuotteet", "tuote"),
        ("zakaznici", "zakaznik"),
        ("ugyfelek", "ugyfel"),
        ("ügyfelek", "ügyfél"),
        ("termekek", "termek"),
        ("termékek", "termék"),
        ("produkter", "produkt"),
    ),
    *(("produkte", "produkt"), ("tarife", "tarif"), ("verträge", "vertrag"), ("vertraege", "vertrag"), ("s", "")),
)
_HAN_PAIRS = (
    "編编號号碼码戶户產产員员資资單单風风險险級级別别類类買买賣卖貨货幣币額额數数價价費费購购銷销狀状態态"
    "暫暂開开關关閉闭終终結结帳账賬账證证書书稱称簡简績绩體体會会議议認认許许權权訊讯聯联絡络電电話话郵邮"
    "時时間间點点區区國国際际養养壽寿財财務务處处辦办業业職职歲岁齡龄歷历經经驗验識识學学專专門门總总餘余"
    "實实應应選选擇择樂乐積积進进穩稳長长極极謹谨溫温與与對对為为過过還还運运轉转讓让換换撥拨滙汇匯汇緊紧"
    "係系師师隊队組组織织團团標标準准則则條条項项種种樣样屬属債债獎奖勵励優优補补償偿繳缴納纳稅税後后備备"
    "註注錄录記记檔档檢检測测試试評评審审發发擬拟圖图畫画見见規规設设計计創创軟软導导東东廣广億亿萬万無无"
    "並并從从來来兩两個个嚴严臨临習习鄉乡幹干麼么變变傷伤華华協协衛卫廠厂縣县雙双響响園园圍围場场壞坏塊块"
    "聲声頭头夠够夾夹奪夺婦妇嬰婴孫孙寧宁寶宝寬宽層层屆届嶼屿嶺岭幫帮張张強强彈弹彙汇慣惯憑凭戰战擔担據据"
    "損损擴扩護护擁拥揚扬攜携斷断於于昇升曆历術术機机構构歡欢殘残毀毁滅灭潛潜濟济爾尔獨独獲获環环現现瑪玛"
    "療疗監监盤盘礦矿禮礼穫获競竞籌筹紀纪約约純纯紛纷紙纸細细紹绍給给統统繼继續续維维網网罰罚聽听脫脱腦脑"
    "臺台舉举艙舱蘇苏藝艺虧亏觀观視视訂订討讨訓训託托訪访診诊詞词詢询詳详誤误說说課课調调談谈請请論论諾诺"
    "謂谓謝谢譯译負负貢贡貧贫販贩貪贪貫贯責责貴贵貸贷貿贸賀贺賃赁賠赔質质賴赖贈赠贖赎贏赢踐践躍跃輕轻輔辅"
    "輪轮輸输農农達达違违適适鄰邻釋释鐵铁銀银銅铜鏈链錢钱錯错鍵键鎖锁陣阵陸陆陽阳隨随隱隐雜杂離离難难雲云"
    "靈灵靜静順顺預预領领頻频題题願愿顧顾飛飞館馆騰腾魚鱼麗丽齊齐龍龙紅红這这漲涨"
)
"""Traditional signs of Chinese that banks write, each before the simplified one."""
_HAN = str.maketrans(_HAN_PAIRS[::2], _HAN_PAIRS[1::2])

_ID_WORDS = (
    *("id", "key", "code", "no", "nr", "number", "isin", "ticker", "symbol", "sku", "uuid", "cusip", "wkn", "ean"),
    *("ref", "reference", "sedol", "valor", "lei", "bk", "hk", "asin", "gtin", "upc"),
    *("nummer", "kennung", "schlüssel", "schluessel", "num", "nbr", "cd", "cod", "ident", "identifier"),
    *("numéro", "numero", "número", "núm", "código", "codigo", "cód", "codice", "réf", "référence", "referencia"),
    *("identifiant", "identificador", "identificativo", "riferimento", "matricule", "dni", "nif"),
    *("pan", "swift", "bic", "figi", "ric", "uid", "guid", "epic", "oid", "sk"),
    *("numarası", "numarasi", "κωδικός", "αριθμός", "кодекс", "номер"),
    *("kód", "kod", "kodu", "szám", "szam", "azonosító", "azonosito", "numer", "číslo", "cislo", "kód"),
    *(
        "mã",
        "ma",
        "ndg",
        "tunnus",
        "tunniste",
        "šifra",
        "sifra",
        "broj",
        "шифра",
        "број",
        "номер",
        "код",
        "ідентифікатор",
        "идентификатор",
    ),
)
_CHINESE_TABLE = re.compile(
    r"(?<=\w)((基本)?(信息|资料|明细|档案|清单|列表|名单|记录|数据|一覧|台帐|マスタ|マスター|リスト|テーブル)表?|表)$"
)
_ID_ENDING = re.compile(
    r"(?<=\w)(编号|编码|代码|代号|流水号|账号|号|番号|コード|번호|코드|아이디|(?i:nummer|nr|kennung|schlüssel|schluessel|szám|szam|azonosító|azonosito|kód|numero|tunnus)|ID|Id|バンゴウ|バンゴー)$"
)
_ID_FIRST = (
    *("id", "code", "código", "codigo", "cód", "cod", "codice", "num", "numéro", "numero", "número", "núm"),
    *("réf", "référence", "referencia", "identifiant", "identificador", "nº", "nr", "numer", "kod", "číslo", "kód"),
    *("κωδικός", "αριθμός", "номер", "код", "رقم", "رمز", "كود", "معرف"),
    *("mã", "ma", "số", "kode", "nomor", "šifra", "sifra", "broj", "шифра", "број", "ідентифікатор", "идентификатор"),
)
"""Where the thing comes second: código producto, numéro de client, kod produktu."""
_ID_THAI = re.compile("^(รหัส|เลขที่|หมายเลข)(?=.)")
_ID_SIGN = re.compile(r"#\s*$|№|(?<!\w)n[°º]|(?<!\w)no\.|(?<!\w)a/c(?!\w)", re.IGNORECASE)
_POSTAL = re.compile(r"(?<![^\W_])(post(al)?|zip)[\s_-]*code(?![^\W_])", re.IGNORECASE)
_COUNTED = frozenset(
    {"rating", "ratings", "review", "reviews", "vote", "votes", "children", "dependants", "dependents"}
)
"""What a number of is a count: rating_number."""
_NOT_A_NUMBER = (
    *(
        "marketing",
        "advertising",
        "ads",
        "contact",
        "mail",
        "mailing",
        "email",
        "call",
        "calls",
        "phone",
        "sms",
        "claims",
    ),
    *("publicité", "publicite", "pubblicità", "publicidad", "of", "longer", "risk", "newsletter", "consent", "show"),
)
"""What stands behind a "no" that denies: no marketing; behind any other it is a number: No client, No. opération."""
_LINKS = ("de", "du", "des", "del", "della", "di", "da", "do", "la", "le", "el", "van", "of", "the")


def simplified(text: str) -> str:
    """A text with the simplified signs of Chinese, in which the words here are written: 客戶編號 is 客户编号."""
    return text if text.isascii() else unwidened(text).translate(_HAN)


def unwidened(text: str) -> str:
    """A text with signs as wide as letters are: Japanese of host systems, and Latin letters between Chinese ones.

    >>> unwidened("ﾄﾞｳｲﾌﾗｸﾞ"), unwidened("ＣＩＦ番号")
    ('ドウイフラグ', 'CIF番号')
    """
    is_wide = any("\uff01" <= sign <= "\uffef" for sign in text)
    return unicodedata.normalize("NFKC", text) if is_wide else text


_CYRILLIC = str.maketrans(
    dict(zip("абвгдђежзијклмнопрстћуфхцчшйыэё", "abvgdđežzijklmnoprstćufhcčšjyee", strict=True))
    | {"љ": "lj", "њ": "nj", "џ": "dž", "щ": "šč", "ю": "ju", "я": "ja", "ъ": "", "ь": ""}
)


def in_latin(text: str) -> str:
    """A text in the letters in which the words of Serbian, Croatian and their like are written here.

    >>> in_latin("Датум рођења"), in_latin("klijent")
    ('datum rođenja', 'klijent')
    """
    return text if text.isascii() else text.lower().translate(_CYRILLIC)


def split_words(text: str, between: str = "_") -> str:
    """A text with one sign for all that belongs to no word; vowels above and below letters do belong to one.

    >>> split_words("rate p.a. (%)"), split_words("รหัสลูกค้า (เดิม)")
    ('rate_p_a_', 'รหัสลูกค้า_เดิม_')
    """
    if text.isascii():
        return re.sub(r"\W+", between, text)
    kept = "".join(sign if f"a{sign}".isidentifier() else " " for sign in text)
    return re.sub(" +", between, kept)


_ABBREVIATIONS = Path(__file__).with_name("abbreviations.txt")


@cache
def _abbreviations() -> dict[str, dict[str, str]]:
    """What short names stand for: whole names, and parts of names."""
    parts = re.findall(r"^\[(\w+)\]\n((?:[^\[\n].*\n)+)", _ABBREVIATIONS.read_text("utf-8"), re.MULTILINE)
    listed = {part: [line.partition(" ") for line in lines.splitlines() if line[0] != "#"] for part, lines in parts}
    found = {part: {short: meant for short, _, meant in lines} for part, lines in listed.items()}
    pairs = (one.partition("=") for one in dict(parts)["bare"].split())
    # Behind the first letter vowels are left out: prfl is profile.
    short = ((word if meant else word[0] + re.sub("[aeiou]", "", word[1:]), meant or word) for word, _, meant in pairs)
    return {**found, "bare": {bare: meant for bare, meant in short if len(bare) >= _LEAST_BARE}}


_LEAST_BARE = 3
"""Fewer consonants are those of many words."""


_PACKAGE = re.compile(r"^(?:[A-Za-z]\w*?__)?(\w+?)__(c|pc|r|pr|mdt|e|kav|x)$")
"""A field or table of a Salesforce org, behind the package that brought it: FinServ__RiskTolerance__c."""


def without_package(text: str) -> str:
    """A name without what Salesforce puts before and behind names that a house gave.

    >>> [without_package(text) for text in ("FinServ__RiskTolerance__c", "Product2__c", "risk__class")]
    ['RiskTolerance', 'Product2', 'risk__class']
    """
    found = _PACKAGE.match(text)
    return found[1] if found else text


@cache
def spelled_out(text: str) -> str:
    """A short name of a core system in words, and any other name as it is.

    >>> [spelled_out(name) for name in ("KUNNR", "PRODCD", "OpenDt", "CUST_NO", "Promotion", "customer_id")]
    ['customer number', 'product code', 'opened date', 'CUST_NO', 'Promotion', 'customer_id']
    """
    if not text.isascii():
        return unwidened(text)
    text = without_package(text)
    plain, known = text.strip().rstrip(".").lower(), _abbreviations()
    if plain in known["names"]:
        return known["names"][plain]
    if not plain.isalpha() or re.search(r"[a-z][A-Z].*[a-z][A-Z]", text):
        return text
    return _of_two_parts(plain, "heads", "tails") or text


@cache
def _of_two_parts(word: str, heads: str, tails: str) -> str | None:
    """What a head and a tail that are listed mean together; None: the word is not made of two such."""
    known = _abbreviations()
    for place in range(2, len(word) - 1):
        head, tail = known[heads].get(word[:place]), known[tails].get(word[place:])
        if head is not None and tail is not None:
            return f"{head} {tail}".strip()
    return None


def words(text: str) -> list[str]:
    """The words of a name: `CustomerID` and `customer_id` are both customer, id, and CUSTNO is customer, number.

    >>> words("Werbeeinw. Tel"), words("Nettoeink_mtl"), words("open_date")
    (['werbung', 'einwilligung', 'tel'], ['netto', 'einkommen', 'mtl'], ['open', 'date'])
    """
    return list(_words(text))


@lru_cache(maxsize=20_000)
def _words(text: str) -> tuple[str, ...]:
    text = spelled_out(text).replace("İ", "I")  # in lower case it would be two signs
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return tuple(one for word in split_words(split, "_").split("_") if word for one in _whole(word.lower()))


def _whole(word: str) -> list[str]:
    """A word that was cut short in two parts or written without its vowels, as in Werbeeinw, Cnsnt and Prfl; any other
    one as it is."""
    return (_of_two_parts(word, "stems", "cut") or _abbreviations()["bare"].get(word, word)).split()


_OF_TABLES = re.compile(
    r"(?<=\w{3})([ _-]?(stamm(daten)?|katalog)|"
    r"[ _-](master(data)?|catalog(ue)?|list|liste|table|tbl|extract|export|dump|dataset|data|file|records|info|"
    r"details))$",
    re.IGNORECASE,
)
"""What says of a table that it is one: Kundenstamm, stock_master."""


@lru_cache(maxsize=20_000)
def singular(text: str) -> str:
    """A table's name for one of its rows: customers is customer, categories is category, Kundenstamm is Kunde."""
    if (short := _OF_TABLES.sub("", text)) != text:
        return singular(short)
    if (short := _CHINESE_TABLE.sub("", simplified(text))) and len(short) != len(text):
        return text[: len(short)]
    for ending, one in _ENDINGS:
        if text.lower().endswith(ending) and len(text) > len(ending) + 2 and not text.lower().endswith("ss"):
            return text[: -len(ending)] + one
        if text.lower() == ending:
            return one or text
    return text


def is_identifier(column: str) -> bool:
    """Whether a column is called like an identifier: customer_id, ISIN, Kundennummer, 客户编号."""
    column = simplified(spelled_out(column))
    found = words(column)
    if _POSTAL.search(column) or _POSTAL.search(" ".join(found)):
        return False
    if len(found) > 1 and found[0] == "no" and found[1] not in _NOT_A_NUMBER:
        return True
    if len(found) > 1 and found[-1] in {"number", "no", "num", "nbr"} and found[-2] in _COUNTED:
        return False
    return bool(found) and (
        found[-1] in _ID_WORDS
        or found[0] in _ID_FIRST
        or bool(_ID_ENDING.search(column) or _ID_SIGN.search(column) or _ID_THAI.search(column))
    )


def stem(column: str) -> list[str]:
    """The words of a column without those of an identifier: customer_id is customer, Kundennr is kunden."""
    column = simplified(spelled_out(column))
    kept = [
        word
        for word in words(_ID_SIGN.sub(" ", _ID_THAI.sub("", _ID_ENDING.sub("", column))))
        if word not in (*_ID_WORDS, *_LINKS)
    ]
    return kept or words(column)


def bare(word: str) -> str:
    """A word without the vowels at its end, by which languages tell one from several, and he from she and it.

    >>> [bare(word) for word in ("klienti", "zmluvy", "nízke", "alta")]
    ['klient', 'zmluv', 'nízk', 'alta']
    """
    short = word.rstrip("aeiouyáéíóúýаеиоуыію")
    return short if len(word) - len(short) <= _ENDING and len(short) >= _LONG else word


_ENDING, _LONG = 2, 4


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name, or the name with the first number from 2 on that is not taken.

    >>> free_name("products", ()), free_name("products", {"products", "products_2"})
    ('products', 'products_3')
    """
    return next(one for one in chain((wanted,), (f"{wanted}_{n}" for n in count(2))) if one not in taken)
