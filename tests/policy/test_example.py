"""The first policy that graphrec writes: rules for the columns of a bank that nobody has seen, in three languages."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.languages import language_of
from graphrec.loading.propose.concepts import in_order, place
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.example import Example, example_policy
from graphrec.policy.facts import microseconds
from graphrec.policy.read import parse_policy, read_policy
from graphrec.policy.rules import Policy
from graphrec.schema import Kind
from tests.banks import bank_snapshot
from tests.policy.graphs import AS_OF, days_ago, snapshot_of

NOW = microseconds(AS_OF.isoformat())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with the small bank, which has a status and no risk classes."""
    home = Home(tmp_path / "home").prepare()
    SnapshotShelf(home.snapshots).add(bank_snapshot)
    return home


def written(
    folder: Path, users: Any, products: Any, kinds: dict[str, Kind], product_kinds: dict[str, Kind], **more: Any
) -> tuple[Example, CompiledPolicy, Snapshot]:
    """The first policy for a bank, compiled."""
    snapshot = snapshot_of(folder / "s", users, products, kinds=kinds, product_kinds=product_kinds, **more)
    example = example_policy(snapshot, NOW)
    return example, CompiledPolicy(parse_policy(example.text, "example"), snapshot, as_of=NOW), snapshot


def requires(example: Example) -> dict[str, str]:
    return {rule.id: rule.require for rule in parse_policy(example.text, "example").rules}


def test_a_german_bank(tmp_path: Path) -> None:
    users = [
        {"Werbeeinwilligung": "J", "Risikoneigung": "ausgewogen", "Anlagehorizont_Jahre": 10, "Wohnsitzland": "DE"},
        {"Werbeeinwilligung": "N", "Risikoneigung": "konservativ", "Anlagehorizont_Jahre": 3, "Wohnsitzland": "AT"},
        {"Werbeeinwilligung": "J", "Risikoneigung": "spekulativ", "Anlagehorizont_Jahre": 1, "Wohnsitzland": "CH"},
        {"Risikoneigung": "spekulativ", "Anlagehorizont_Jahre": 30, "Wohnsitzland": "DE"},
    ]
    for number, user in enumerate(users):
        user |= {"PEP_Kennzeichen": "Ja" if number == 3 else "Nein", "Geburtsjahr": 1980 + 5 * number}
    products: list[dict[str, Any]] = [
        {
            "Risikoklasse": "konservativ",
            "Mindesthaltedauer_Monate": 12,
            "Vertriebsländer": "DE, AT",
            "Mindestalter": 18,
        },
        {"Risikoklasse": "spekulativ", "Mindesthaltedauer_Monate": 60, "Vertriebsländer": "DE"},
        {"Risikoklasse": "konservativ", "Vertriebsende": days_ago(3)},
        {"Risikoklasse": "konservativ", "Status": "geschlossen"},
    ]
    for product in products:
        product.setdefault("Mindesthaltedauer_Monate", 0)
        product.setdefault("Mindestalter", 0)
        product.setdefault("Status", "aktiv")
    example, policy, _ = written(
        tmp_path, users, products,
        {"Werbeeinwilligung": "text", "Risikoneigung": "text", "Anlagehorizont_Jahre": "integer",
         "Wohnsitzland": "text", "PEP_Kennzeichen": "text", "Geburtsjahr": "integer"},
        {"Risikoklasse": "text", "Mindesthaltedauer_Monate": "integer", "Vertriebsländer": "text",
         "Mindestalter": "integer", "Vertriebsende": "time", "Status": "text"},
    )  # fmt: skip
    assert example.kept == (
        "pep", "consent", "held", "open", "risk", "horizon", "age", "residence", "cooling-off",
    )  # fmt: skip
    found = requires(example)
    assert found["consent"] == 'user.Werbeeinwilligung in ["J"]'
    assert found["pep"] == 'is_missing(user.PEP_Kennzeichen) or user.PEP_Kennzeichen in ["Nein"]'
    assert found["horizon"] == "product.Mindesthaltedauer_Monate <= 12 * user.Anlagehorizont_Jahre"
    assert found["residence"] == (
        "is_missing(product.Vertriebsländer) or contains(product.Vertriebsländer, user.Wohnsitzland)"
    )
    assert found["open"] == (
        '(is_missing(product.Vertriebsende) or product.Vertriebsende > now) and (product.Status in ["aktiv"])'
    )
    assert policy.policy.levels == {"risk": ("konservativ", "ausgewogen", "spekulativ")}
    # Customer 0 may be shown the first product; 1 has not agreed, 2 lives in Switzerland, 3 is politically exposed.
    assert policy.masks(np.arange(4)).tolist() == [
        [True, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
    ]
    assert [one.rule for one in policy.refusals(3, 0)] == ["pep", "consent"]
    assert policy.policy.codes == {"pep": "not_available", "consent": "not_available"}
    assert [text.partition(":")[0] for text in example.left_out] == ["means"]
    assert policy.policy.values["product.Status"] == ("aktiv", "geschlossen")


def test_an_english_broker(tmp_path: Path) -> None:
    names = ("email_opt_in", "do_not_call", "RiskProfile", "date_of_birth", "sanction hit")
    old, young = days_ago(365 * 40), days_ago(365 * 20)
    rows = ((1, False, 3, young, False), (0, False, 5, old, False), (1, True, 5, old, False), (1, False, 5, old, True))
    users = [dict(zip(names, row, strict=True)) for row in rows]
    products = [
        {"SRRI": 3, "on_sale": True, "minimum_investment": 100.0, "min_age": 18},
        {"SRRI": 7, "on_sale": True, "minimum_investment": 100.0, "min_age": 21},
        {"SRRI": 1, "on_sale": False, "minimum_investment": 100.0, "min_age": 0},
    ]
    example, policy, _ = written(
        tmp_path, users, products,
        {"email_opt_in": "integer", "do_not_call": "boolean", "RiskProfile": "integer", "date_of_birth": "time",
         "sanction hit": "boolean"},
        {"SRRI": "integer", "on_sale": "boolean", "minimum_investment": "real", "min_age": "integer"},
    )  # fmt: skip
    found = requires(example)
    assert found["email-opt-in"] == "user.email_opt_in == 1"
    assert found["do-not-call"] == "is_missing(user.do_not_call) or not user.do_not_call"
    assert found["sanctions"] == "is_missing(user['sanction hit']) or not user['sanction hit']"
    assert found["age"] == "years_since(user.date_of_birth) >= product.min_age"
    assert example.doubts == ("risk: product.SRRI goes up to 7 and user.RiskProfile up to 5: is it one scale?",)
    assert policy.masks(np.arange(4)).tolist() == [[True, False, False], *[[False] * 3] * 3]
    assert [text.partition(":")[0] for text in example.left_out] == ["horizon", "means", "residence"]


def test_a_chinese_bank(tmp_path: Path) -> None:
    users = [
        {"营销授权": "是", "风险承受能力": "C3", "投资期限(年)": 5.0, "居住国": "中国", "黑名单标志": "否"},
        {"营销授权": "否", "风险承受能力": "C5", "投资期限(年)": 5.0, "居住国": "中国", "黑名单标志": "否"},
        {"营销授权": "是", "风险承受能力": "C1", "投资期限(年)": 1.0, "居住国": "中国", "黑名单标志": "是"},
        *({"风险承受能力": f"C{step}"} for step in (2, 4)),
    ]
    products = [
        {"风险等级": "R3", "持有期(月)": 12.0, "状态": "在售"},
        {"风险等级": "R4", "持有期(月)": 12.0, "状态": "在售"},
        {"风险等级": "R1", "持有期(月)": 12.0, "状态": "已下架"},
        *({"风险等级": f"R{step}"} for step in (2, 5)),
    ]
    example, policy, _ = written(
        tmp_path, users, products,
        {"营销授权": "text", "风险承受能力": "text", "投资期限(年)": "real", "居住国": "text", "黑名单标志": "text"},
        {"风险等级": "text", "持有期(月)": "real", "状态": "text"},
    )  # fmt: skip
    found = requires(example)
    assert found["consent"] == 'user.营销授权 in ["是"]'
    assert found["risk"] == 'level("risk_product", product.风险等级) <= level("risk_user", user.风险承受能力)'
    assert found["horizon"] == "product['持有期(月)'] <= 12 * user['投资期限(年)']"
    assert found["sanctions"] == 'is_missing(user.黑名单标志) or user.黑名单标志 in ["否"]'
    assert policy.masks(np.arange(3))[:, :3].tolist() == [[True, False, False], [False] * 3, [False] * 3]


def test_values_that_say_neither_yes_nor_no_are_listed(tmp_path: Path) -> None:
    example, policy, _ = written(
        tmp_path,
        [{"consent": "maybe", "risk_class": "A"}, {"consent": "later", "risk_class": "B"}],
        [{"risk_class": "low"}],
        {"consent": "text", "risk_class": "text"},
        {"risk_class": "text"},
    )
    assert example.kept == ("undecided", "held", "cooling-off")
    left = dict(text.split(": ", 1) for text in example.left_out)
    assert left["consent (user.consent)"] == "the values of user.consent are neither yes nor no: later, maybe"
    assert left["risk"] == (
        "product.risk_class and user.risk_class are not on one scale: give both the same values, or an order in "
        "[levels]"
    )
    assert "# Not found, and not in force:\n# * consent (user.consent): the values" in example.text
    assert not policy.masks(np.arange(2)).any(), "nobody is taken to have agreed where that cannot be read"
    assert example.doubts[0].startswith("user.consent may say who has agreed, and nobody here can read it: no lists")


def test_a_consent_in_a_language_that_nobody_reads_gives_no_lists(tmp_path: Path) -> None:
    users = [{"zzyx": one, "Plan": "gold"} for one in ("kyllä", "ei")]
    example, policy, _ = written(tmp_path, users, [{}], {"zzyx": "text", "Plan": "text"}, {})
    assert requires(example)["undecided"] == "is_missing(user.zzyx) and not is_missing(user.zzyx)"
    assert not policy.masks(np.arange(2)).any()
    known = [{"segment": one, "plan": "gold"} for one in ("retail", "private")]
    example, *_ = written(tmp_path / "known", known, [{}], {"segment": "text", "plan": "text"}, {})
    assert "undecided" not in example.kept, "what its name tells is no consent"


def test_one_of_two_values_denies_the_other(tmp_path: Path) -> None:
    users = [{"营销短信": one} for one in ("接受", "不接受")]
    example, policy, _ = written(tmp_path, users, [{}], {"营销短信": "text"}, {})
    assert requires(example)["consent"] == 'user.营销短信 in ["接受"]'
    assert policy.masks(np.arange(2))[:, 0].tolist() == [True, False]


def test_numbers_that_stand_for_no_answer_are_no_consent(tmp_path: Path) -> None:
    users = [{"MKT_CONSENT_FL": one} for one in (1, 0, -9)]
    example, policy, _ = written(tmp_path, users, [{}], {"MKT_CONSENT_FL": "integer"}, {})
    assert policy.masks(np.arange(3))[:, 0].tolist() == [True, False, False]
    masks = [{"CONSENT_MASK": one} for one in (5, 4, 0, 1)]
    example, policy, _ = written(tmp_path / "bits", masks, [{}], {"CONSENT_MASK": "integer"}, {})
    assert example.kept[0] == "undecided"
    assert not policy.masks(np.arange(4)).any()


def test_states_that_no_name_tells_are_known_by_their_values(tmp_path: Path) -> None:
    users = [{"consent": True, "account_state": one} for one in ("active", "frozen")]
    products = [{"xq": one, "sparte": "Fonds"} for one in ("on sale", "withdrawn")]
    example, policy, _ = written(
        tmp_path, users, products, {"consent": "boolean", "account_state": "text"}, {"xq": "text", "sparte": "text"}
    )
    assert requires(example)["open"] == 'product.xq in ["on sale"]'
    assert requires(example)["active"] == 'user.account_state in ["active"]'
    assert policy.masks(np.arange(2))[:, :2].tolist() == [[True, False], [False, False]]
    assert len(example.doubts) == 2


def test_states_that_say_neither_count_as_closed_where_others_are_open(tmp_path: Path) -> None:
    users = [
        {"consent": True, "lifecycle": one, "employment_status": two}
        for one, two in (("active", "retired"), ("on hold", "active"), ("zmarły", "active"))
    ]
    kinds: dict[str, Kind] = {"consent": "boolean", "lifecycle": "text", "employment_status": "text"}
    example, policy, _ = written(tmp_path, users, [{}], kinds, {"name": "text"})
    assert requires(example)["active"] == 'user.lifecycle in ["active"]'
    assert not any("employment" in one for one in requires(example).values())
    assert any("on hold" in doubt and "zmarły" not in doubt for doubt in example.doubts)
    assert policy.masks(np.arange(3))[:, 0].tolist() == [True, False, False]


def test_the_one_yes_or_no_of_products_may_be_whether_they_are_sold(tmp_path: Path) -> None:
    kinds: dict[str, Kind] = {"xq": "text", "Nachhaltig": "text"}
    for said, is_taken in (("JJJN", True), ("JNNN", False)):
        products = [{"xq": one, "Nachhaltig": "J"} for one in said]
        folder = tmp_path / said
        folder.mkdir()
        example, policy, _ = written(folder, [{"consent": True}], products, {"consent": "boolean"}, kinds)
        assert ("open" in requires(example)) is is_taken
        assert any("product.xq" in doubt for doubt in example.doubts) is is_taken
        assert policy.masks(np.arange(1))[0, :4].tolist() == [not is_taken or one == "J" for one in said]


def test_words_whose_order_nothing_tells_have_to_be_the_same(tmp_path: Path) -> None:
    users = [{"consent": True, "risk_profile": one} for one in ("Blue", "Red")]
    products = [{"risk_class": one} for one in ("Blue", "Red")]
    kinds: dict[str, Kind] = {"consent": "boolean", "risk_profile": "text"}
    example, policy, _ = written(tmp_path, users, products, kinds, {"risk_class": "text"})
    assert requires(example)["risk"] == "product.risk_class == user.risk_profile"
    assert policy.masks(np.arange(2))[:, :2].tolist() == [[True, False], [False, True]]
    assert any("Blue, Red" in doubt for doubt in example.doubts)


def test_two_words_of_one_step_have_no_order_and_none_is_left_out(tmp_path: Path) -> None:
    said = ("low", "medium", "moderate", "high")
    users, products = [{"consent": True, "risk_profile": one} for one in said], [{"risk_class": one} for one in said]
    kinds: dict[str, Kind] = {"consent": "boolean", "risk_profile": "text"}
    example, policy, _ = written(tmp_path, users, products, kinds, {"risk_class": "text"})
    assert requires(example)["risk"] == "product.risk_class == user.risk_profile"
    assert policy.masks(np.arange(4))[:, :4].tolist() == np.eye(4, dtype=bool).tolist()


def test_the_texts_of_customers_tolerance_make_a_column_of_products_their_risk(tmp_path: Path) -> None:
    said = ("low", "so-so", "high")
    users, products = [{"consent": True, "risk_profile": one} for one in said], [{"XQ": one} for one in said]
    kinds: dict[str, Kind] = {"consent": "boolean", "risk_profile": "text"}
    _, policy, _ = written(tmp_path, users, products, kinds, {"XQ": "text"})
    assert policy.masks(np.arange(3))[:, :3].tolist() == np.tri(3, dtype=bool).tolist()


def test_a_yes_or_no_that_is_called_as_a_value_says_closed(tmp_path: Path) -> None:
    products = [{"sunset": one, "green": True} for one in (True, False, False)]
    kinds: dict[str, Kind] = {"sunset": "boolean", "green": "boolean"}
    _, policy, _ = written(tmp_path, [{"consent": True}], products, {"consent": "boolean"}, kinds)
    assert policy.masks(np.arange(1))[0, :3].tolist() == [False, True, True]


def test_minors_by_a_yes_or_no(tmp_path: Path) -> None:
    users = [{"consent": True, "vuxen": one} for one in (True, False)]
    kinds: dict[str, Kind] = {"consent": "boolean", "vuxen": "boolean"}
    _, policy, _ = written(tmp_path, users, [{"name": "A"}], kinds, {"name": "text"})
    assert policy.masks(np.arange(2))[:, 0].tolist() == [True, False]


def test_words_in_an_order_stand_beside_as_many_numbers(tmp_path: Path) -> None:
    users = [{"consent": True, "risk_profile": one} for one in ("Cautious", "Balanced", "Adventurous")]
    products = [{"risk_class": one} for one in (1, 2, 3)]
    kinds: dict[str, Kind] = {"consent": "boolean", "risk_profile": "text"}
    _, policy, _ = written(tmp_path, users, products, kinds, {"risk_class": "integer"})
    assert policy.masks(np.arange(3))[:, :3].tolist() == [
        [True, False, False], [True, True, False], [True, True, True]
    ]  # fmt: skip


def test_a_state_of_products_that_cannot_be_read_gives_no_lists(tmp_path: Path) -> None:
    products = [{"sales_status": one} for one in ("Q", "R")]
    example, policy, _ = written(
        tmp_path, [{"consent": True}], products, {"consent": "boolean"}, {"sales_status": "text"}
    )
    assert "undecided-open" in example.kept
    assert not policy.masks(np.arange(1)).any()


def test_letters_of_states_let_the_active_ones_through(tmp_path: Path) -> None:
    products = [{"STATUS": one} for one in ("A", "C")]
    example, policy, _ = written(tmp_path, [{"consent": True}], products, {"consent": "boolean"}, {"STATUS": "text"})
    assert requires(example)["open"] == 'product.STATUS in ["A"]'
    assert policy.masks(np.arange(1))[:, :2].tolist() == [[True, False]]
    assert "A alone counts as offered" in example.doubts[0]


def test_the_day_until_which_a_product_is_sold_and_the_profile_for_which_it_is(tmp_path: Path) -> None:
    users = [{"consent": True, "Anlegerprofil": one} for one in ("Konservativ", "Dynamisch")]
    products = [
        {"Handelbar bis": days_ago(3), "Anlegerprofil ab": "Konservativ"},
        {"Anlegerprofil ab": "Konservativ"},
        {"Anlegerprofil ab": "Dynamisch"},
    ]
    _, policy, _ = written(
        tmp_path, users, products, {"consent": "boolean", "Anlegerprofil": "text"},
        {"Handelbar bis": "time", "Anlegerprofil ab": "text"},
    )  # fmt: skip
    assert policy.masks(np.arange(2))[:, :3].tolist() == [[False, True, False], [False, True, True]]


def test_a_code_that_few_products_have_keeps_them_out_until_somebody_says_otherwise(tmp_path: Path) -> None:
    products = [{"MSTAE": "Z9"} if i == 1 else {"MTART": "FOND"} for i in range(4)]
    example, policy, _ = written(
        tmp_path, [{"consent": "yes"}], products, {"consent": "text"}, {"MSTAE": "text", "MTART": "text"}
    )
    assert requires(example)["open"] == "is_missing(product.MSTAE)"
    assert any("MSTAE" in doubt and "Z9" in doubt for doubt in example.doubts)
    assert policy.masks([0]).tolist() == [[True, False, True, True]]


def test_an_empty_minimum_is_no_limit(tmp_path: Path) -> None:
    users = [{"birth_year": 1990, "liquid_assets": 1000.0}]
    products: list[dict[str, Any]] = [{"min_age": 18, "minimum_amount": 500.0}, {}, {"min_age": 60}]
    example, policy, _ = written(
        tmp_path, users, products, {"birth_year": "integer", "liquid_assets": "real"},
        {"min_age": "integer", "minimum_amount": "real"},
    )  # fmt: skip
    assert requires(example)["age"].startswith("is_missing(product.min_age) or ")
    assert (
        requires(example)["means"]
        == "is_missing(product.minimum_amount) or product.minimum_amount <= user.liquid_assets"
    )
    assert len([doubt for doubt in example.doubts if "no such limit" in doubt]) == 2
    assert policy.masks([0]).tolist() == [[True, True, False]]


def test_a_personal_column_is_named_and_a_protected_one_is_marked(tmp_path: Path) -> None:
    example, policy, _ = written(
        tmp_path,
        [{"Geburtsdatum": days_ago(9000), "Alter": 17}, {"Geburtsdatum": days_ago(9000), "Alter": 30}],
        [{"Mindestalter": 18}],
        {"Geburtsdatum": "time", "Alter": "integer"},
        {"Mindestalter": "integer"},
        personal=("Geburtsdatum",),
        protected=("Alter",),
    )
    assert requires(example)["age"] == "user.Alter >= product.Mindestalter"
    (rule,) = [one for one in policy.policy.rules if one.id == "age"]
    assert (rule.protected, rule.reason) == (True, "name the law that asks for it")
    assert policy.masks(np.arange(2)).tolist() == [[False], [True]]
    hidden, _, _ = written(
        tmp_path / "other", [{"Geburtsdatum": days_ago(9000)}], [{"Mindestalter": 18}],
        {"Geburtsdatum": "time"}, {"Mindestalter": "integer"}, personal=("Geburtsdatum",),
    )  # fmt: skip
    assert (
        "minimum age: Geburtsdatum of customers is personal, and no rule can read it: let the mapping derive a column"
        in hidden.left_out
    )


def test_dates_of_consent_and_objection(tmp_path: Path) -> None:
    later = datetime(2026, 1, 1, tzinfo=UTC)
    users = [
        {"Einwilligung_am": days_ago(5), "Widerruf_am": later},
        {"Einwilligung_am": days_ago(5), "Widerruf_am": days_ago(1)},
        {"Einwilligung_am": later},
        {},
    ]
    _, policy, _ = written(
        tmp_path, users, [{}], {"Einwilligung_am": "time", "Widerruf_am": "time"}, {"name": "text"}
    )  # fmt: skip
    assert policy.masks(np.arange(4))[:, 0].tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("name", "concept", "is_it"),
    [
        ("Alternative", "age", False),
        ("ALTER", "age", True),
        ("customerAge", "age", True),
        ("Landing page", "residence", False),
        ("LAND", "residence", True),
        ("EmailOptIn", "consent", True),
        ("DSGVO_Einverständnis", "consent", True),
        ("Höchstalter", "most age", True),
        ("prepaid", "pep", False),
        ("IS_PEP", "pep", True),
        ("ATR (1-10)", "tolerance", True),
        ("Investable assets (£)", "means", True),
        ("Cap. for loss", "capacity", True),
    ],
)
def test_words_of_names(name: str, concept: str, *, is_it: bool) -> None:
    assert (place(name, concept) is not None) == is_it


def test_reasons_of_a_block_gaps_among_steps_and_kinds_without_a_class(tmp_path: Path) -> None:
    users: list[dict[str, Any]] = [
        {"Neigung_Risiko": "2 konservativ", "Anlagehorizont": "kurz (bis 3 J.)", "Sperrgrund_Code": "00"},
        {"Neigung_Risiko": "1 sicherheitsorientiert", "Anlagehorizont": "lang (über 7 J.)", "Sperrgrund_Code": "00"},
        {"Neigung_Risiko": "k.A.", "Anlagehorizont": "mittel (3-7 J.)", "Sperrgrund_Code": "00"},
    ]
    users += [{**users[0], "Sperrgrund_Code": "00"} for _ in range(20)]
    users += [{**users[1], "Sperrgrund_Code": "07"}, {**users[1], "Sperrvermerk": "Nachlass"}]
    products = [
        {"Risikoklasse": 2, "Haltedauer": "kurz", "Produktart": "Fonds"},
        {"Risikoklasse": 1, "Haltedauer": "lang", "Produktart": "Fonds"},
        {"Haltedauer": "kurz", "Produktart": "Kreditkarte"},
        {"Haltedauer": "kurz", "Produktart": "Zertifikat"},
    ]
    for user in users:
        user["Risikoneigung"] = user.pop("Neigung_Risiko")
        user["gesperrt_Grund"] = user.pop("Sperrgrund_Code", "00")
    example, policy, _ = written(
        tmp_path, users, products,
        {"Risikoneigung": "text", "Anlagehorizont": "text", "gesperrt_Grund": "text", "Sperrvermerk": "text"},
        {"Risikoklasse": "integer", "Haltedauer": "text", "Produktart": "text"},
    )  # fmt: skip
    found = requires(example)
    assert found["blocked"] == 'is_missing(user.gesperrt_Grund) or user.gesperrt_Grund == "00"'
    assert found["blocked-2"] == "is_missing(user.Sperrvermerk)"
    asked = "\n".join(example.doubts)
    assert "one with another value (07) counts as not served" in asked
    assert "one who has (Nachlass) counts as not served" in asked
    assert "no product of the kinds Kreditkarte has product.Risikoklasse" in asked
    # A card needs no class and a certificate does; who gave no answer is offered nothing that has one.
    order = sorted(f"U{number}" for number in range(len(users)))
    allowed = policy.masks(np.array([order.index(one) for one in ("U0", "U1", "U2")])).tolist()
    assert allowed == [[True, False, True, False], [False, True, True, False], [False, False, True, False]]
    assert not policy.masks(np.array([order.index(one) for one in ("U23", "U24")])).any()


def test_texts_that_have_an_order() -> None:
    assert in_order(["hoch", "niedrig", "mittel"]) == [(2, "niedrig"), (4, "mittel"), (6, "hoch")]
    assert in_order(["Risikoklasse 10", "Risikoklasse 2"]) == [(2, "Risikoklasse 2"), (10, "Risikoklasse 10")]
    assert in_order(["2 - ausgewogen", "1 - konservativ"]) == [(1, "1 - konservativ"), (2, "2 - ausgewogen")]
    assert in_order(["R1", "S2"]) is None
    order = ["Very cautious", "Cautious", "Balanced", "Adventurous", "Very adventurous"]
    assert in_order(sorted(order)) == list(enumerate(order))
    assert in_order(["red", "green"]) is None
    assert in_order([]) is None


def test_what_a_small_bank_lacks_is_listed(home: Home) -> None:
    example = example_policy(SnapshotShelf(home.snapshots).latest(), 0)
    assert example.kept == ("held", "open")
    assert [text.partition(":")[0] for text in example.left_out] == [
        "consent", "risk", "horizon", "means", "minimum age", "residence", "cooling-off",
    ]  # fmt: skip
    assert "risk: no column of products speaks of risk" in example.left_out
    policy = parse_policy(example.text, "example")
    assert policy.rules[1].require == 'product.status in ["open"]'
    assert policy.values == {"product.status": ("closed", "open"), "product.kind": ("bond", "fund")}


def test_init_writes_once_and_check_counts(home: Home) -> None:
    run = ["--home", str(home.path), "policy"]
    before = json.loads(CliRunner().invoke(app, [*run, "check", "--json"]).stdout)
    assert (before["source"], [rule["id"] for rule in before["rules"]]) == (None, ["held", "offered"])
    first = CliRunner().invoke(app, [*run, "init"])
    assert first.stdout.splitlines()[0] == f"{home.policy}: 2 rules (held, open)"
    assert "  consent: no column of customers speaks of consent" in first.stdout.splitlines()
    again = CliRunner().invoke(app, [*run, "init"])
    assert (again.exit_code, again.stderr) == (
        2, f"error: {home.policy} is there already; graphrec policy init --force replaces it\n"
    )  # fmt: skip
    found = json.loads(CliRunner().invoke(app, [*run, "init", "--force", "--json"]).stdout)
    assert found["rules"] == ["held", "open"]
    report = json.loads(CliRunner().invoke(app, [*run, "check", "--json"]).stdout)
    assert report["hash"] == read_policy(home.policy).hash
    # The written rules do what the built-in ones do.
    assert [{**rule, "id": ""} for rule in report["rules"]] == [{**rule, "id": ""} for rule in before["rules"]]
    assert (report["users"], report["products"], report["pairs_left"]) == (60, 20, before["pairs_left"])
    shown = CliRunner().invoke(app, [*run, "check"]).stdout
    assert f"{report['pairs_left']:,} pairs are left" in shown
    assert "0 users are left with no product" in shown.splitlines()


def test_a_consent_has_a_date_or_an_end_and_a_customer_may_have_left(tmp_path: Path) -> None:
    users = [
        {"Zustimmung": "J", "Zustimmung_Datum": days_ago(90), "Kundenstatus": "aktiv"},
        {"Zustimmung": "J", "Zustimmung_bis": days_ago(9), "Kundenstatus": "aktiv"},
        {"Zustimmung": "J", "Zustimmung_bis": days_ago(-9), "Kundenstatus": "gekündigt"},
        {"Zustimmung": "N", "Kundenstatus": "aktiv"},
    ]
    kinds: dict[str, Kind] = {"Zustimmung_Datum": "time", "Zustimmung_bis": "time"}
    example, compiled, _ = written(tmp_path, users, [{}], {"Zustimmung": "text", "Kundenstatus": "text", **kinds}, {})
    assert set(requires(example).values()) == {
        'user.Zustimmung in ["J"]',
        "is_missing(user.Zustimmung_bis) or user.Zustimmung_bis > now",
        'user.Kundenstatus in ["aktiv"]',
        "not held",
        'not happened("REJECTED", 180)',
    }
    assert compiled.masks(np.arange(4)).any(axis=1).tolist() == [True, False, False, False]


def test_who_is_marked_as_no_longer_current_gets_no_list(tmp_path: Path) -> None:
    users = [{"is_current": True, "active_trader": False}, {"is_current": False, "active_trader": True}, {}]
    example, compiled, _ = written(tmp_path, users, [{}], {"is_current": "boolean", "active_trader": "boolean"}, {})
    assert requires(example)["active"] == "user.is_current"
    assert compiled.masks(np.arange(3)).any(axis=1).tolist() == [True, False, False]


def test_consents_for_several_channels_are_asked_about(tmp_path: Path) -> None:
    users = [{"EmailOptIn": True, "PhoneOptIn": False}]
    example, _, _ = written(tmp_path, users, [{}], {"EmailOptIn": "boolean", "PhoneOptIn": "boolean"}, {})
    asked = "email-opt-in, phone-opt-in are all required: who agreed to one of them alone gets no list; is that right?"
    assert asked in example.doubts


def test_where_no_column_is_called_a_consent_those_of_yes_and_no_are_named(tmp_path: Path) -> None:
    users = [{"Blickfang": "ja", "Ort": "Ulm"}, {"Blickfang": "nein", "Ort": "Bonn"}]
    example, _, _ = written(tmp_path, users, [{}], {"Blickfang": "text", "Ort": "text"}, {})
    lacks = "consent: no column of customers speaks of consent; "
    assert f"{lacks}yes and no stand in user.Blickfang: is one of them a consent?" in example.left_out


#: Two columns' values a row: of customers, of products.
EVERY = (
    {
        "consent": "YN", "optout": "NY", "deceased": "NY", "client_status": ("active", "closed"),
        "risk_profile": (3, 1), "horizon_years": (5, 1), "liquid_assets": (900.0, 10.0), "age": (40, 17),
        "country": ("DE", "FR"),
        "client_category": ("retail", "pro"), "knowledge": ("low", "high"), "pep": "NY",
    },
    {
        "risk_class": (2, 5), "min_horizon_years": (3, 8), "minimum_amount": (50.0, 99.0), "min_age": (18, 18),
        "max_age": (70, 70), "status": ("open", "closed"), "residents_of": ("DE", "FR"), "knowledge": ("low", "high"),
        "target_clients": ("retail", "pro"), "closed_on": (days_ago(9), days_ago(9)),
    },
)  # fmt: skip
KINDS = {str: "text", int: "integer", float: "real"}


@pytest.mark.parametrize("code", ["de", "zh"])
def test_sentences_of_the_first_policy_are_in_the_language_of_the_home(code: str, tmp_path: Path) -> None:
    rows = [[{name: values[n] for name, values in side.items()} for n in (0, 1)] for side in EVERY]
    kinds: list[Any] = [{name: KINDS.get(type(values[0]), "time") for name, values in side.items()} for side in EVERY]
    snapshot = snapshot_of(
        tmp_path / "s", rows[0], rows[1], kinds=kinds[0], product_kinds={**kinds[1], "closed_on": "time"}
    )
    english, told = (
        [one.sentence for one in parse_policy(example_policy(snapshot, NOW, language_of(each)).text, "x").rules]
        for each in ("en", code)
    )
    assert len(told) == len(english) >= 14
    for before, after in zip(english, told, strict=True):
        left = re.sub(r"\{[^}]*\}|\([^)]*\)|（[^）]*）", "", after)
        assert before != after
        assert not re.search(r"\b(the|its|it|is|not|and|of|for|has|than)\b", left), after
        assert sorted(re.findall(r"\{[^}]*\}", before)) == sorted(re.findall(r"\{[^}]*\}", after))


@pytest.mark.parametrize(
    ("profiles", "require"),
    [
        (
            ("1 - konservativ", "2 - ausgewogen", "3 - spekulativ"),
            'product.RK <= 1 + level("risk_user", user.Risikoprofil)',
        ),
        (("1 - konservativ", "2 - ausgewogen", "2 a"), None),
        (("2 - ausgewogen", "3 - spekulativ", "4 - alles"), None),
    ],
)
def test_classes_in_numbers_beside_texts_that_begin_with_them(
    profiles: tuple[str, ...], require: str | None, tmp_path: Path
) -> None:
    users = [{"Risikoprofil": profile, "Einwilligung": "J"} for profile in profiles]
    products = [{"RK": number} for number in (1, 2, 3)]
    kinds: tuple[dict[str, Kind], dict[str, Kind]] = {"Risikoprofil": "text", "Einwilligung": "text"}, {"RK": "integer"}
    example, policy, _ = written(tmp_path, users, products, *kinds)
    assert requires(example).get("risk") == require
    if require is not None:
        assert policy.masks(np.arange(3)).tolist() == [[True, False, False], [True, True, False], [True] * 3]


def test_letters_before_numbers_of_both_sides_are_one_scale(tmp_path: Path) -> None:
    """Products of steps that no customer has, and the other way round."""
    users = [{"风险承受能力": one, "接受营销": "同意"} for one in ("C1 保守型", "C3 稳健型", "C4 积极型")]
    products = [{"风险等级": one} for one in ("R1 低", "R3 中", "R5 高")]
    kinds: tuple[dict[str, Kind], dict[str, Kind]] = {"风险承受能力": "text", "接受营销": "text"}, {"风险等级": "text"}
    example, policy, _ = written(tmp_path, users, products, *kinds)
    assert (
        requires(example)["risk"] == 'level("risk_product", product.风险等级) <= level("risk_user", user.风险承受能力)'
    )
    assert policy.masks(np.arange(3)).tolist() == [[True, False, False], [True, True, False], [True, True, False]]
    assert any("R1 低, R3 中, R5 高" in one for one in example.doubts)


def test_an_objection_on_a_day_counts_beside_a_consent_in_words(tmp_path: Path) -> None:
    users = [
        {"Werbeeinwilligung": "erteilt"},
        {"Werbeeinwilligung": "erteilt", "Werbewiderspruch_am": days_ago(1)},
        {"Werbeeinwilligung": "offen"},
        {"Werbeeinwilligung": "nicht erteilt"},
    ]
    kinds: dict[str, Kind] = {"Werbeeinwilligung": "text", "Werbewiderspruch_am": "time"}
    example, policy, _ = written(tmp_path, users, [{}], kinds, {"name": "text"})
    assert policy.masks(np.arange(4))[:, 0].tolist() == [True, False, False, False]
    assert {"consent", "objection"} <= set(requires(example))


def test_a_status_of_customers_that_no_word_tells_is_listed(tmp_path: Path) -> None:
    users = [{"Kundenstatus": one, "KYC_Status": two} for one, two in (("Q1", "V"), ("Q2", "W"))]
    kinds: dict[str, Kind] = {"Kundenstatus": "text", "KYC_Status": "text"}
    example, _, _ = written(tmp_path, users, [{}], kinds, {"name": "text"})
    told = "the values of user.Kundenstatus are neither yes nor no: Q1, Q2"
    assert f"active (user.Kundenstatus): {told}" in example.left_out
    assert not any("KYC" in one for one in example.left_out)


def test_the_first_policy_says_its_sentences_in_three_languages(tmp_path: Path) -> None:
    kinds: list[dict[str, Kind]] = [{"risk_tolerance": "integer"}, {"risk_class": "integer"}]
    snapshot = snapshot_of(
        tmp_path / "s", [{"risk_tolerance": 1}], [{"risk_class": 3}], kinds=kinds[0], product_kinds=kinds[1]
    )
    policy = parse_policy(example_policy(snapshot, NOW, language_of("de")).text, "x")
    risk = next(one for one in policy.rules if one.id == "risk")
    assert list(risk.sentences) == ["de", "en", "zh"]
    assert risk.sentence == risk.sentences["de"]
    asked = CompiledPolicy(policy, snapshot, as_of=NOW)
    told = [asked.refusals(0, 0, language_of(code))[0].sentence for code in ("en", "de", "zh")]
    assert told[0] == language_of("en").say("rules.risk", user="", a="3", b="1")
    assert told[1] == "die Risikoklasse 3 liegt über der Risikobereitschaft 1"
    assert told[2] == language_of("zh").say("rules.risk", user="", a="3", b="1")
    assert Policy.from_json(policy.to_json()).hash == policy.hash


def test_nobody_who_left_or_died_and_no_consent_to_other_things(tmp_path: Path) -> None:
    users = [
        {"CLOSEDT": days_ago(40), "MARKETING_CONSENT": "Y", "E_DELIVERY_CONSENT": "N"},
        {"DEATH_DATE": days_ago(9), "MARKETING_CONSENT": "Y", "E_DELIVERY_CONSENT": "Y"},
        {"MARKETING_CONSENT": "Y", "E_DELIVERY_CONSENT": "N"},
        {"MARKETING_CONSENT": "N", "E_DELIVERY_CONSENT": "Y"},
    ]
    kinds: dict[str, Kind] = {
        "CLOSEDT": "time", "DEATH_DATE": "time", "MARKETING_CONSENT": "text", "E_DELIVERY_CONSENT": "text"
    }  # fmt: skip
    example, _, _ = written(tmp_path, users, [{"name": "Fund"}], kinds, {"name": "text"})
    rules = requires(example)
    assert rules["active"] == "is_missing(user.CLOSEDT) or user.CLOSEDT > now"
    assert rules["blocked"] == "is_missing(user.DEATH_DATE) or user.DEATH_DATE > now"
    assert rules["consent"] == 'user.MARKETING_CONSENT in ["Y"]'
    assert not any("E_DELIVERY" in rule for rule in rules.values())
    assert any("E_DELIVERY_CONSENT" in why and "another purpose" in why for why in example.left_out)


def test_a_spanish_bank_and_who_works_for_it(tmp_path: Path) -> None:
    users = [
        {"LOPD_COMERCIAL": "S", "LOPD_CESION": "N", "FEC_BAJA": days_ago(40), "EMPLOYÉ": "N", "segment": "employed"},
        {"LOPD_COMERCIAL": "N", "LOPD_CESION": "S", "EMPLOYÉ": "S", "segment": "self-employed"},
    ]
    kinds: dict[str, Kind] = {
        "LOPD_COMERCIAL": "text", "LOPD_CESION": "text", "FEC_BAJA": "time", "EMPLOYÉ": "text", "segment": "text"
    }  # fmt: skip
    example, _, _ = written(tmp_path, users, [{"name": "Fund"}], kinds, {"name": "text"})
    rules = requires(example)
    consents = [rule for rule in rules.values() if "LOPD" in rule]
    assert consents == ['user.LOPD_COMERCIAL in ["S"]']
    assert rules["active"] == "is_missing(user.FEC_BAJA) or user.FEC_BAJA > now"
    assert rules["staff"] == 'is_missing(user.EMPLOYÉ) or user.EMPLOYÉ in ["N"]'
    assert not any("segment" in rule for rule in rules.values())
    users = [{"type_client": one} for one in ("Personnel", "Entreprise")]
    example, _, _ = written(tmp_path / "more", users, [{"name": "Prêt"}], {"type_client": "text"}, {"name": "text"})
    assert "staff" not in requires(example), "personal customers"


def test_a_project_that_is_funded_is_closed_and_a_funded_account_is_none(tmp_path: Path) -> None:
    users = [{"consent": True, "account_status": one} for one in ("funded", "closed")]
    products = [{"status": one} for one in ("open", "funded", "repaid")]
    example, _, _ = written(
        tmp_path, users, products, {"consent": "boolean", "account_status": "text"}, {"status": "text"}
    )
    assert requires(example)["open"] == 'product.status in ["open"]'
    assert "funded" not in requires(example)["active"]


def test_staff_prospects_and_minors_get_no_list_until_somebody_says_so(tmp_path: Path) -> None:
    users = [
        {"consent": True, "Partnerart": "Kunde", "birth_year": 1980, "is_employee": False},
        {"consent": True, "Partnerart": "Interessent", "birth_year": 1980, "is_employee": False},
        {"consent": True, "Partnerart": "Kunde", "birth_year": AS_OF.year - 12, "is_employee": False},
        {"consent": True, "Partnerart": "Mitarbeiter", "birth_year": 1980, "is_employee": False},
        {"consent": True, "Partnerart": "Kunde", "is_employee": True},
        {"consent": True, "birth_year": 1990, "is_employee": False},
    ]
    kinds: dict[str, Kind] = {
        "consent": "boolean", "Partnerart": "text", "birth_year": "integer", "is_employee": "boolean",
    }  # fmt: skip
    example, _, _ = written(tmp_path, users, [{"kind": "fund"}], kinds, {"kind": "text"})
    rules = requires(example)
    assert rules["staff"] == 'is_missing(user.Partnerart) or user.Partnerart not in ["Mitarbeiter"]'
    assert rules["staff-2"] == "is_missing(user.is_employee) or not user.is_employee"
    assert rules["prospect"] == 'is_missing(user.Partnerart) or user.Partnerart not in ["Interessent"]'
    assert rules["adult"] == "is_missing(user.birth_year) or year(now) - user.birth_year - 1 >= 18"
    assert sum(" no list: is that right?" in one for one in example.doubts) == 4


def test_grown_customers_need_no_rule_of_age(tmp_path: Path) -> None:
    users = [{"birth_year": 1980, "Beruf": "Mitarbeiter"}, {"birth_year": 1990, "Beruf": "Arzt"}]
    example, _, _ = written(
        tmp_path, users, [{"kind": "fund"}], {"birth_year": "integer", "Beruf": "text"}, {"kind": "text"}
    )
    assert not {"adult", "staff"} & requires(example).keys()


def test_a_tolerance_is_known_by_its_values(tmp_path: Path) -> None:
    users = [{"Strategie": text} for text in ("Konservativ", "Ausgewogen", "Aggressiv")]
    products = [{"Risikoklasse": number} for number in (1, 2, 3)]
    example, _, _ = written(tmp_path, users, products, {"Strategie": "text"}, {"Risikoklasse": "integer"})
    assert "user.Strategie" in requires(example).get("risk", ""), example.left_out


def test_letters_for_who_is_a_customer_still(tmp_path: Path) -> None:
    users = [{"status": letter} for letter in "AACAD"]
    example, _, _ = written(tmp_path, users, [{"kind": "fund"}], {"status": "text"}, {"kind": "text"})
    assert requires(example)["active"] == 'user.status in ["A"]'
    assert any("A alone counts as a customer still" in one for one in example.doubts)
