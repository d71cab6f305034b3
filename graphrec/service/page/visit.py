"""One visit of the page: who looks, in which language, and how a template becomes a response."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from graphrec import __version__
from graphrec.errors import SettingsError
from graphrec.languages import LANGUAGES, Language, codes, language_of
from graphrec.service.access.roles import Caller
from graphrec.service.core import Service, unslashed
from graphrec.service.page import names
from graphrec.service.page.session import Sessions
from graphrec.serving.reasons.columns import named
from graphrec.serving.reasons.sentences import words
from graphrec.serving.views import Band

LANGUAGE = "graphrec_language"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOLDER = Path(__file__).parent
#: How sure a list is of a product, by the least confidence of each word.
_SURE = (("high", 0.8), ("medium", 0.5), ("low", 0.0))
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PLACE = re.compile(r"\{(?:user|product|last)(?:\.(\w+))?\}")
_TEMPLATES.filters["largest"] = lambda people: people.low if isinstance(people, Band) else people


@dataclass(frozen=True)
class View:
    """What a page shows: a template and its values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, eq=False)
class Visit:
    """One request of a browser."""

    request: Request
    service: Service
    sessions: Sessions
    form: Mapping[str, str]
    caller: Caller | None = None
    """None: who has not signed in."""

    @cached_property
    def languages(self) -> Mapping[str, Language]:
        """Those that can be chosen: shipped ones, and the home's own whose files can be used."""
        folder, found = self.service.bank.home.languages, {}
        for code in codes(folder):
            with suppress(SettingsError):
                found[code] = language_of(code, folder)
        return found

    @cached_property
    def language(self) -> Language:
        """The browser's choice before, else what the browser asks for, else that of the settings."""
        asked = [self.request.cookies.get(LANGUAGE, "")]
        asked += [
            one.partition(";")[0].strip()[:2] for one in self.request.headers.get("accept-language", "").split(",")
        ]
        asked.append(self.service.bank.settings.language)
        return self.languages[next((one for one in asked if one in self.languages), LANGUAGES[0])]

    @property
    def known(self) -> Caller:
        """Who looks, after the handler has let somebody in."""
        assert self.caller is not None
        return self.caller

    @property
    def is_part(self) -> bool:
        """Whether a part of a page asks, and no page is to be shown anew."""
        return "hx-request" in self.request.headers

    def id(self, name: str) -> str:
        """An id in the path."""
        return unslashed(self.request.path_params[name])

    def asked(self, name: str) -> str | None:
        """A parameter of the address; None where it is not there, or empty."""
        return self.request.query_params.get(name, "").strip() or None

    def say(self, key: str, /, **values: str) -> str:
        """A text of the page."""
        return self.language.fill(self.language.text(key), values)

    def day(self, text: str | None) -> str:
        """A day as people write it; the text itself where it is none."""
        try:
            return self.language.date(datetime.combine(date.fromisoformat((text or "")[:10]), datetime.min.time()))
        except ValueError:
            return text or "–"

    def sure(self, confidence: float) -> str:
        """The word of a confidence."""
        return self.say("confidence." + next(word for word, least in _SURE if confidence >= least))

    def render(self, view: View) -> Response:
        """A view as a whole page."""
        here = self.request.url.path
        body = _TEMPLATES.get_template(view.template).render(
            view.values,
            visit=self,
            t=self.say,
            number=self.language.number,
            percent=self.language.percent,
            day=self.day,
            sure=self.sure,
            command=lambda name: self.language.texts.get(f"commands.{name}", name),
            url=url,
            json=json.dumps,
            word=names.plain(self.language).word,
            named=named,
            facts_of=names.facts_of,
            activity=names.activity,
            windows=names.windows,
            unknown_of=names.unknown_of,
            metrics=names.metrics,
            languages={code: one.texts["language"] for code, one in self.languages.items()},
            here=here,
            back=f"{here}?{self.request.url.query}" if self.request.url.query else here,
            token=self.sessions.token(self.request),
            version=__version__,
            may=lambda operation: self.caller is not None and self.caller.may(operation),
            is_open=self.sessions.is_open(self.request),
        )
        response = HTMLResponse(body, view.status, HEADERS)
        self.sessions.keep(self.request, response)
        return response

    def go(self, where: str) -> Response:
        """To another page; the whole page goes there, where a part of it asked."""
        if self.is_part:
            return Response(status_code=204, headers={"HX-Redirect": where})
        return RedirectResponse(where, 303, HEADERS)


def _blanks(sentence: str) -> list[tuple[str, bool]]:
    """The parts of a rule's sentence, and whether each stands for a value, whose name it then is."""
    parts, end = [], 0
    for found in _PLACE.finditer(sentence):
        parts += [(sentence[end : found.start()], False), (words(found[1] or "").strip(), True)]
        end = found.end()
    return [*parts, (sentence[end:], False)]


_TEMPLATES.filters["blanks"] = _blanks


def url(*parts: str, **query: object) -> str:
    """An address of the page: each part percent-encoded, and a query of what is there."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return f"{path}?{asked}" if asked else path


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent."""
    text = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=100).items()}


def local(path: str | None) -> str:
    """A path of this page; where it leads elsewhere, the first page."""
    return path if path and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
