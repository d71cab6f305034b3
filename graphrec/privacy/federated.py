"""Sums over the customers of several banks: each sends its own under masks that cancel, and only the total is seen.

    plan       who takes part, with a public key each (X25519); the products; how customers count; the smallest group
    round 1    numbers of holders of each product, and of customers
    round 2    sums.py of counted models: of products with enough holders alone

A message is a vector of whole numbers modulo 2^64, plus for each other bank a mask that both derive from their two keys
and the plan (X25519, HKDF-SHA256, ChaCha20): the bank whose name is first adds it, the other one takes it away. Source:
Bonawitz et al., CCS 2017, without its recovery of banks that fall out: all have to send.

What it does not keep: of two banks each can take its own sums from the total, and whoever adds sees totals of fewer
than `min_group` customers before they are left out. A mask is used once: a bank answers a round of a plan with one
vector.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import SourceError, UsageError
from graphrec.features.sources.sums import SumsFile
from graphrec.files import whole_file
from graphrec.models.counted.sums import BITS, Sums, check_size, symmetric
from graphrec.records.blocks import canonical

Vector = NDArray[np.uint64]
Part = Literal["fitted", "all"]
FORMAT = "graphrec-federate-1"
LEAST_BANKS = 2


@dataclass(frozen=True)
class Joined:
    """What a bank says when it takes part: nothing of its customers."""

    bank: str
    public_key: str
    """X25519, hexadecimal digits."""
    products: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What all banks agree on; its hash binds every message."""

    round: str
    banks: Mapping[str, str]
    """Public keys by name."""
    products: tuple[str, ...]
    power: float
    min_group: int
    part: Part
    """fitted: without what the test of a model hides; all: everything."""
    bits: int = BITS

    @property
    def hash(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(canonical(vars(self))).hexdigest()


@dataclass(frozen=True, eq=False)
class Message:
    """What a bank sends in a round, or the total of all."""

    plan: str
    """Its hash."""
    step: int
    """Round, 1 or 2."""
    bank: str
    """Empty: the total."""
    values: Vector

    def write(self, path: Path) -> None:
        """Write the file, whole."""
        from safetensors.numpy import save_file

        about = canonical({"plan": self.plan, "step": self.step, "bank": self.bank, "format": FORMAT})
        with whole_file(path) as temporary:
            # One entry: several would come in any order.
            save_file({"values": self.values.view(np.int64)}, temporary, {"about": about.decode("ascii")})

    @classmethod
    def read(cls, path: Path) -> "Message":
        """The message in a file.

        Raises:
            SourceError: it is none.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "np") as file:
                about, values = json.loads((file.metadata() or {})["about"]), file.get_tensor("values")
            return cls(about["plan"], int(about["step"]), about["bank"], values.view(np.uint64))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{path} is no message of graphrec federate ({type(error).__name__})") from None


def plan_of(joined: Sequence[Joined], *, name: str, power: float, min_group: int, part: Part) -> Plan:
    """The plan of those who take part.

    Raises:
        UsageError: they are too few, or two have one name or one key.
        ModelError: there are too many products.
    """
    banks = {one.bank: one.public_key for one in sorted(joined, key=lambda one: one.bank)}
    if len(joined) < LEAST_BANKS:
        raise UsageError(f"{len(joined)} bank is no federation; want a file of graphrec federate join from each of two")
    if len(banks) < len(joined) or len({*banks.values()}) < len(joined):
        raise UsageError("two files of graphrec federate join are of one bank, or have one key; want one of each bank")
    products = tuple(sorted({product for one in joined for product in one.products}))
    check_size(len(products))
    return Plan(name, banks, products, power, min_group, part)


def masked(plan: Plan, step: int, bank: str, private: bytes, values: Vector) -> Message:
    """The message of a bank.

    Args:
        plan: of all.
        step: round, 1 or 2.
        bank: its name in the plan.
        private: its X25519 key.
        values: its own, which nobody else sees.

    Raises:
        UsageError: the plan does not name it, or with another key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    mine = X25519PrivateKey.from_private_bytes(private)
    if plan.banks.get(bank) != public_of(private):
        named = "with another key" if bank in plan.banks else f"not; it names {', '.join(plan.banks)}"
        raise UsageError(f"the plan {plan.round} names {bank} {named}; run: graphrec federate join, and plan again")
    total = values.copy()
    for other, public in plan.banks.items():
        if other == bank:
            continue
        shared = mine.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(public)))
        mask = _stream(shared, f"{plan.hash} {step}", len(values))
        total = total + mask if bank < other else total - mask
    return Message(plan.hash, step, bank, total)


def added(plan: Plan, messages: Sequence[Message]) -> Message:
    """The total of the messages of all banks, in which the masks cancel.

    Raises:
        UsageError: one is missing or doubled, or is of another plan, round or length.
    """
    steps = {one.step for one in messages}
    wrong = [one.bank or "a total" for one in messages if one.plan != plan.hash]
    if wrong:
        raise UsageError(f"the message of {', '.join(wrong)} is of another plan than {plan.round}; ask for a new one")
    if len(steps) != 1 or len({len(one.values) for one in messages}) != 1:
        raise UsageError("the messages are of different rounds; add those of one round")
    names = sorted(one.bank for one in messages)
    doubled = [one for one, other in pairwise(names) if one == other]
    missing = [bank for bank in plan.banks if bank not in names]
    if doubled or missing:
        told = f"{', '.join(missing)} is missing" if missing else f"{', '.join(doubled)} is there twice"
        raise UsageError(f"{told}: masks cancel only where every bank of the plan sent once")
    total: Vector = np.zeros(len(messages[0].values), np.uint64)
    for one in messages:
        total = total + one.values
    return Message(plan.hash, steps.pop(), "", total)


def first_vector(holders: NDArray[np.int64], customers: int) -> Vector:
    """Round 1 of a bank: holders of each product of the plan, and its customers."""
    return np.concatenate((holders, [customers])).astype(np.int64).view(np.uint64)


def enough(plan: Plan, first: Message) -> NDArray[np.bool_]:
    """Which products of the plan enough customers of all banks hold; raises as `check_total`."""
    check_total(plan, first, 1, len(plan.products) + 1)
    return first.values.view(np.int64)[:-1] >= plan.min_group


def second_vector(sums: Sums) -> Vector:
    """Round 2 of a bank: the upper triangles of its sums."""
    upper = np.triu_indices(len(sums.together))
    return np.concatenate((sums.together[upper], sums.weighted[upper])).view(np.uint64)


def sums_file(plan: Plan, first: Message, second: Message) -> SumsFile:
    """The sums of all banks without what fewer than `min_group` customers share; raises as `check_total`."""
    size = len(plan.products)
    half = size * (size + 1) // 2
    check_total(plan, first, 1, size + 1)
    check_total(plan, second, 2, 2 * half)
    values = second.values.view(np.int64)
    together, weighted = (symmetric(part, size) for part in (values[:half], values[half:]))
    kept = Sums(together, weighted, plan.power, plan.bits).supported(plan.min_group)
    return SumsFile(
        plan.products, kept.together, kept.weighted, plan.power, plan.bits, plan.min_group, plan.round,
        tuple(plan.banks), int(first.values.view(np.int64)[-1]), plan.part,
    )  # fmt: skip


def check_total(plan: Plan, message: Message, step: int, length: int) -> None:
    """Stop where a message is not the total of a round of a plan.

    Raises:
        UsageError: it is not.
    """
    if (message.plan, message.step, message.bank, len(message.values)) != (plan.hash, step, "", length):
        raise UsageError(
            f"this is not the total of round {step} of the plan {plan.round}; run: graphrec federate add PLAN MESSAGE…"
        )


def public_of(private: bytes) -> str:
    """The public key of a private one, as hexadecimal digits."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw
    ).hex()  # fmt: skip


def write_plain(path: Path, value: Joined | Plan) -> None:
    """Write who takes part, or a plan, as JSON."""
    plain = {"format": FORMAT, "kind": type(value).__name__.lower(), **vars(value)}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8")


def read_joined(path: Path) -> Joined:
    """Who takes part.

    Raises:
        SourceError: the file is no such file.
    """
    plain = _plain(path, "joined", "graphrec federate join")
    return Joined(plain["bank"], plain["public_key"], tuple(plain["products"]))


def read_plan(path: Path) -> Plan:
    """A plan.

    Raises:
        SourceError: the file is none.
    """
    plain = _plain(path, "plan", "graphrec federate plan")
    return Plan(**{**plain, "products": tuple(plain["products"])})


def _plain(path: Path, kind: str, command: str) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if (plain.pop("format"), plain.pop("kind")) != (FORMAT, kind):
            raise ValueError
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise SourceError(f"{path} is no file of {command}") from None
    return plain


def _stream(shared: bytes, about: str, count: int) -> Vector:
    """So many numbers that only those who know the shared secret can draw."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = HKDF(SHA256(), 32, salt=None, info=f"{FORMAT} {about}".encode()).derive(shared)
    cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return np.frombuffer(cipher.update(bytes(8 * count)), "<u8").astype(np.uint64)
