"""Products whose prices moved like those of the holdings: the likeness of `text.py` on the block `series`."""

from graphrec.models.content.text import likeness_model

SPEC = likeness_model("series", "Products whose time series went like those of the holdings.")
