"""Texts a second, next to the plain loop over batches of 32 in the order given (same model, same run).

    python benchmarks/embed.py [--rounds 3]

Rounds alternate, the best of each counts: other work on the machine slows both. Texts are random words of finance.
"""

import argparse
import re
import time
from collections.abc import Callable

import numpy as np

from graphrec.features import text as text_module
from graphrec.features.sources.text.encoder import Encoder

WORDS = re.findall(
    r"\w+",
    """fund equity bond income growth dividend european global emerging small cap index tracking accumulating
    sustainable infrastructure technology health care energy credit duration yield currency hedged low fee
    the of and in with that invests companies issuers quality risk volatility portfolio managed benchmark""",
)


def texts_of(lengths: np.ndarray) -> list[str]:
    """One text of about so many characters for each length."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, length // 6 + 1))[:length] for length in lengths]


def plain_loop(encoder: Encoder, texts: list[str]) -> None:
    """Batches of 32 as they come, each padded to its longest text."""
    for start in range(0, len(texts), 32):
        encoder._forward(encoder._pieces(texts[start : start + 32])[0])


def best_rates(runs: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Texts a second of each run, the best of some alternating rounds."""
    best = dict.fromkeys(runs, 0.0)
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            best[name] = max(best[name], count / (time.perf_counter() - started))
    return best


def main() -> None:
    """Measure texts of one length and of many lengths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    encoder = Encoder.open()
    encoder.encode(["warm up"])
    print(f"{encoder.name} on {encoder.device.name} ({encoder.device.reason})")
    print(f"{text_module._TOKENS_AT_ONCE[encoder.device.name]} tokens at once")
    rng = np.random.default_rng(1)
    cases = {
        "200 characters": np.full(200, 200),
        "1,100 characters": np.full(60, 1100),
        "60 to 1,100 characters": rng.choice([60, 120, 200, 300, 500, 800, 1100], 200),
    }
    for name, lengths in cases.items():
        texts = texts_of(lengths)
        rates = best_rates(
            {
                "graphrec": lambda texts=texts: encoder.encode(texts),
                "plain": lambda texts=texts: plain_loop(encoder, texts),
            },
            len(texts),
            rounds,
        )
        ours, plain = rates["graphrec"], rates["plain"]
        print(f"{name}: {ours:.0f}/s, plain loop {plain:.0f}/s, {ours / plain:.2f} x")


if __name__ == "__main__":
    main()
