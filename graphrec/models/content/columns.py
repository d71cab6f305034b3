"""Products whose columns are like those of the holdings: the likeness of `text.py` on the block `columns`."""

from graphrec.models.content.text import likeness_model

SPEC = likeness_model(
    "columns", "Products whose columns are like those of the holdings: kind, fee, risk class and the like."
)
