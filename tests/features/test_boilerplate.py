"""What long texts share word for word is no part of what each of them says."""

from graphrec.features.sources.text.boilerplate import without_boilerplate

NOTICE = "This document is general information and no offer to buy or to sell. " * 20


def test_a_notice_is_left_out_of_long_texts() -> None:
    texts = [f"{NOTICE}It buys shares of gold mines.", f"{NOTICE}\nIt lends to makers of software.", "A short one."]
    assert without_boilerplate(texts) == [
        "It buys shares of gold mines.", "It lends to makers of software.", "A short one."
    ]  # fmt: skip


def test_what_would_be_empty_and_what_is_short_stays_whole() -> None:
    same = [NOTICE, NOTICE, "No offer to buy. Gold.", "No offer to buy. Silver."]
    assert without_boilerplate(same) == same
    alone = ["一" * 1_200 + "。金矿。", "软件。"]
    assert without_boilerplate(alone) == alone
