"""Measures in Prometheus' text format, for a file that its node exporter reads."""

from collections.abc import Sequence

from graphrec.monitoring.measure import Measure

_HEADS = (
    ("graphrec_monitor_value", "What was measured; it grows with what is wrong."),
    ("graphrec_monitor_state", "0 as it should be, 1 warning, 2 alarm."),
)
_NUMBERS = {"ok": 0, "warn": 1, "alarm": 2}


def text_of(measures: Sequence[Measure]) -> str:
    """Two gauges: values, and states; what is not known is left out.

    >>> print(text_of([Measure("age", "data_age", "facts", 2.5, "ok", 7, 30)]), end="")
    # HELP graphrec_monitor_value What was measured; it grows with what is wrong.
    # TYPE graphrec_monitor_value gauge
    graphrec_monitor_value{part="age",measure="data_age",about="facts"} 2.5
    # HELP graphrec_monitor_state 0 as it should be, 1 warning, 2 alarm.
    # TYPE graphrec_monitor_state gauge
    graphrec_monitor_state{part="age",measure="data_age",about="facts"} 0
    """
    lines: list[str] = []
    for name, said in _HEADS:
        lines += [f"# HELP {name} {said}", f"# TYPE {name} gauge"]
        for one in measures:
            if one.value is not None:
                value = f"{one.value:.12g}" if name.endswith("value") else str(_NUMBERS[one.state])
                lines.append(f'{name}{{part="{one.part}",measure="{one.name}",about="{_escaped(one.about)}"}} {value}')
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
