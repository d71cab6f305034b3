"""The built-in demo bank: invented customers, products and dealings, with known reasons behind late purchases.

`write_bank` writes plain CSV and Parquet files; `loaders/demo.toml` reads them like those of any bank. What makes
customers buy is stated in `graphrec.demo.draw.purchases`, what counts as a known reason in `graphrec.demo.truth`.
"""

from graphrec.demo.bank import BankReport, write_bank

__all__ = ["BankReport", "write_bank"]
