"""What a role reads of an answer: graphrec/serving/views.py with the secret of the home and the month of today."""

from datetime import UTC, datetime

from graphrec.app.answers import Refused, Seen, Served
from graphrec.app.bank import Bank
from graphrec.schema import View
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import SeenWhyNot, Viewer


def viewer(bank: Bank, view: View, sentences: Sentences) -> Viewer:
    """What makes a view in the language of `sentences`."""
    return Viewer(
        view,
        secret=bank.home.secret(),
        # Not that of --as-of: who asks as of many months would read the number off many draws.
        month=f"{bank.settings.today or datetime.now(UTC):%Y-%m}",
        min_group=sentences.schema.roles.min_group,
        often=sentences.say("lists.often"),
    )


def seen(bank: Bank, served: Served, view: View) -> Seen:
    """A list or an explanation as a role reads it."""
    answer = viewer(bank, view, served.sentences).answer(served.answer)
    return Seen(answer, served.record, served.sentences, served.notes)


def seen_why_not(bank: Bank, refused: Refused, view: View) -> SeenWhyNot:
    """Why a product is not in a list, as a role reads it."""
    return viewer(bank, view, refused.sentences).why_not(refused.found)
