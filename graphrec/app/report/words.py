"""A report in words: names, sentences and numbers as people of a language write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from graphrec.app.report.figures import Change, Concern, Figure, Form, Part, Report
from graphrec.languages import Language

SMALLEST = 0.0005
"""A smaller share rounds to 0, and is none."""


@dataclass(frozen=True)
class Words:
    """What a report says in one language."""

    language: Language

    def say(self, key: str, **values: str) -> str:
        """A text of the report."""
        return self.language.fill(self.language.text(f"report.{key}"), values)

    def value(self, value: float | None, form: Form) -> str:
        """A number as people write it."""
        if value is None:
            return "–"
        if form == "share":
            if 0 < value < SMALLEST:
                return f"< {self.language.percent(0.1, 1)}"
            return self.language.percent(100 * value, 1)
        if form == "rate":
            return self.language.percent(100 * value, 2)
        if form == "short":
            return self.language.number(value, 2)
        if form == "count":
            return self.language.number(value)
        if form == "days":
            return self.say("days", n=self.language.number(value))
        if form == "p":
            return f"{value:.1e}" if 0 < value < 0.001 else self.language.number(value, 3)
        return self.language.number(value, 2 if abs(value) >= 100 else 4)

    def shown(self, figure: Figure) -> str:
        """The value of a figure."""
        return self.value(figure.value, figure.form)

    def interval(self, figure: Figure) -> str:
        """Its 95 % interval; empty where there is none."""
        if figure.low is None or figure.high is None or figure.value is None or figure.low == figure.high:
            return ""
        return self.say("interval", low=self.value(figure.low, figure.form), high=self.value(figure.high, figure.form))

    def name(self, figure: Figure) -> str:
        """What a figure is."""
        said = self.say(f"f_{figure.name}")
        return self.say("named", name=said, of=self._called(f"k_{figure.of}", figure.of)) if figure.of else said

    def concern(self, one: Concern) -> str:
        """What wants attention, in one sentence."""
        values = {key: self.cell(key, text) for key, text in one.values.items()}
        return self.say(f"c_{one.name}", **values)

    def cell(self, column: str, text: str) -> str:
        """A word of a table or a sentence: measures, models, severities, states have names, others are as they are."""
        table = {"subject": "page.part", "measure": "page.m", "state": "page.state"}.get(column)
        if table is not None:
            return self.language.texts.get(f"{table}_{text}", text)
        if column in ("value", "limit") and text.replace(".", "", 1).isdigit():
            return self.language.number(float(text), len(text.partition(".")[2]))
        key = {"model": f"x_{text}", "severity": f"s_{text}"}.get(column)
        return text if key is None else self._called(key, text)

    def _called(self, key: str, text: str) -> str:
        return self.language.texts.get(f"report.{key}", text)

    def change(self, figure: Figure, found: Change) -> str:
        """What became of a figure since the last report."""
        if found.verdict == "same":
            return self.say("same")
        if figure.form == "share":
            by = self.say("points", n=self.language.number(100 * found.change, 1, sign=True))
        elif figure.form == "rate":
            by = self.say("points", n=self.language.number(100 * found.change, 2, sign=True))
        elif figure.form in ("count", "days"):
            by = self.language.number(found.change, 0, sign=True)
        else:
            by = self.language.number(found.change, 4, sign=True)
        return f"{by} {self.verdict(found)}"

    def verdict(self, found: Change) -> str:
        """Whether it became better, worse, or other."""
        return self.say(f"v_{found.verdict}")

    def day(self, text: str) -> str:
        """A date of the report."""
        return self.language.date(datetime.fromisoformat(text))

    def state(self, name: str) -> str:
        """The state of a part."""
        return self.say(f"state_{name}")

    def ask(self, name: str) -> str:
        """What a part asks."""
        return self.say(f"ask_{name}")

    def part(self, one: Part) -> str:
        """The title of a part."""
        return self.say(f"part_{one.name}")

    def summary(self, report: Report) -> tuple[str, ...]:
        """What the whole comes to, in two or three sentences."""
        wanting = [self.part(one) for one in report.parts if one.state == "attention"]
        unknown = [self.part(one) for one in report.parts if one.state == "unknown"]
        measured = len(report.parts) - len(unknown)
        said = [
            self.say("some", n=str(len(wanting)), of=str(measured), names=self.language.joined(wanting))
            if wanting
            else self.say("all_good", n=str(measured))
        ]
        if unknown:
            said.append(self.say("unknown", names=self.language.joined(unknown)))
        return tuple(said)
