"""Which encoding a file of a bank is in, by its letters."""

from pathlib import Path

import pytest

from graphrec.loading.sources.encodings import by_letters, delivery_encoding, encoding_within, guess_encoding

ROWS = {
    "cp1252 de": "Müller;Jürgen;Straße 5;Köln Schäfer;Jörg;Größe;München Weiß;Käthe;Nürnberg;offen",
    "cp1252 fr": "Société;épargne;à vue;Noël Crédit;Besançon;oui;non Bénéficiaire;François;prêt;à taux zéro",
    "cp1252 sv": "Åkesson;Örjan;Sparkonto;för barn Lindström;Märta;lån;nej",
    "cp1250 pl": "Łukasz;Wójcik;Łódź;rachunek Grażyna;Żak;Gdańsk;kredyt Paweł;Śliwa;Kraków;zamknięty",
    "cp1250 cs": "Jiří;Dvořák;Plzeň;spořicí účet Zdeněk;Říha;Budějovice;hypotéka Lukáš;Němec;Brno;půjčka",
    "cp1251 ru": "Иванов;Пётр;Москва;вклад Смирнова;Анна;Казань;кредитная карта Кузнецов;Олег;Пермь;ипотека",
    "cp1253 el": "Παπαδόπουλος;Γιώργος;Αθήνα;λογαριασμός Νικολάου;Μαρία;Πάτρα;δάνειο",
    "cp1254 tr": "Şahin;Ayşe;İstanbul;vadesiz hesap Yıldız;Çağrı;Muğla;kredi kartı Öztürk;Gül;Iğdır;konut kredisi",
    "gb18030 zh": "王伟;北京;货币基金;稳健型 李娜;上海;债券基金;保守型 张敏;深圳;信用卡;活跃",
    "big5 zh": "陳怡君;臺北市;債券型基金;是 林志明;高雄市;信用卡;否 黃淑芬;臺中市;定期存款;是",
    "cp932 ja": "佐藤太郎;東京都;投資信託;はい 鈴木花子;大阪府;定期預金;いいえ 高橋健;神奈川県;住宅ローン;申込中",
    "euc_kr ko": "김민수;서울;정기예금;예 이지은;부산;신용카드;아니오 박준호;대구;주택담보대출;예",
    "cp850 de": "Müller;Jürgen;Straße 5;Köln Weiß;Käthe;Nürnberg;offen",
}
"""Rows of a table, by encoding and language."""


@pytest.mark.parametrize("known", ROWS)
def test_letters_tell_the_encoding(tmp_path: Path, known: str) -> None:
    """A table of numbers and dates with a few words: the letters are right, whatever the encoding is called."""
    rows = ROWS[known].replace(" ", "\n").splitlines()
    lines = [f"{n:05d};{rows[n % len(rows)]};{n * 37 % 900},{n % 90 + 10};2024-{n % 12 + 1:02d}-11" for n in range(60)]
    text = "\r\n".join(["id;name;place;kind;amount;date", *lines])
    (tmp_path / "table.csv").write_bytes(text.encode(known.split(maxsplit=1)[0]))
    assert (tmp_path / "table.csv").read_bytes().decode(guess_encoding(tmp_path / "table.csv", "table.csv")) == text


@pytest.mark.parametrize(
    ("head", "encoding"), [("Vermögen", "cp1252"), ("客户;日期;金额", "gb18030"), ("Größe – 5 €", "cp1252")]
)
def test_a_few_letters_are_enough(tmp_path: Path, head: str, encoding: str) -> None:
    lines = [f"C{n:03d};2024-01-{n % 28 + 1:02d};{n * 7}" for n in range(40)]
    (tmp_path / "table.csv").write_bytes("\n".join([head, *lines]).encode(encoding))
    assert guess_encoding(tmp_path / "table.csv", "table.csv") == encoding


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *(
            ("cp1252", "Grüße aus Köln, Straße"),
            ("cp1252", "Île de ré; prénom; à côté"),
            ("cp1252", "São João; informações"),
        ),
        *(("cp1252", "Ávila; León; año"), ("cp1252", "Ødegård; kjørt"), ("cp1252", "Zoë; België; 10 € – 20 €")),
        *(("cp1250", "Győr; Pécs; közepes; hozzájárulás; ügyfél; fő"), ("cp1250", "Łódź; Kraków; średni")),
        *(("cp1250", "Příjmení; číslo; žlutý kůň"), ("cp1251", "Иванов; Москва; согласие")),
        *(
            ("cp1253", "Αθήνα; Πελάτης; Συγκατάθεση"),
            ("cp1254", "İstanbul; müşteri; doğum"),
            ("cp850", "Gründung in Köln"),
        ),
    ],
)
def test_the_letters_of_one_language_tell_the_encoding(encoding: str, text: str) -> None:
    assert by_letters(text.encode(encoding)) == encoding


def test_a_short_file_has_the_encoding_of_its_delivery(tmp_path: Path) -> None:
    (tmp_path / "klienci.csv").write_bytes("id;miasto\n1;Łódź\n2;Gdańsk\n3;Śrem\n".encode("cp1250"))
    (tmp_path / "umowy.csv").write_bytes("id;data zamknięcia\n1;\n".encode("cp1250"))
    files = [(one, one.name) for one in sorted(tmp_path.iterdir())]
    assert {encoding_within(*one, delivery_encoding(files)) for one in files} == {"cp1250"}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (
            "gb18030",
            "流水号,用户编号,基金代码,交易类型,金额,日期\n"
            + "1,K1,000001,申购,100,2022\n2,K2,000002,赎回,9,2022\n" * 40,
        ),
        ("euc_kr", "번호,고객,상품,구분\n" + "1,K1,000001,매수\n2,K2,000002,매도\n" * 40),
        ("cp874", "เลขที่,ลูกค้า,กองทุน,ประเภท,วันที่\n" + "1,K1,000001,ซื้อ,2022\n2,K2,000002,ขาย,2022\n" * 40),
    ],
)
def test_a_file_of_few_words_is_told_by_pairs_of_bytes(encoding: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_bytes(text.encode(encoding))
    assert guess_encoding(path, path.name) == encoding


def test_a_file_of_few_words_has_the_wide_encoding_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("编号,金额,类型\n1,2,申购\n".encode("gb18030"))
    for name in ("b", "c"):
        text = "编号,名称,城市,状态\n" + "1,华夏消费混合,上海,开放申购\n2,易方达医药混合,北京,暂停申购\n" * 30
        (tmp_path / f"{name}.csv").write_bytes(text.encode("gb18030"))
    files = [(one, one.name) for one in sorted(tmp_path.iterdir())]
    assert {encoding_within(*one, delivery_encoding(files)) for one in files} == {"gb18030"}


def test_a_file_of_another_encoding_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(("id;Stadt\n" + "1;Köln Düsseldorf Größe\n" * 50).encode("cp1252"))
    (tmp_path / "b.csv").write_bytes("id;Stadt\n1;Köln\n2;Lübeck\n".encode("cp850"))
    files = [(one, one.name) for one in sorted(tmp_path.iterdir())]
    assert [encoding_within(*one, delivery_encoding(files)) for one in files] == ["cp1252", "cp850"]
