"""Products whose vectors, made elsewhere, are like those of the holdings: `text.py` on the block `vector`."""

from graphrec.models.content.text import likeness_model

SPEC = likeness_model("vector", "Products whose vectors made elsewhere (images, audio) are like those of the holdings.")
