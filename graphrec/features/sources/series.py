"""The source `series`: what a time series did, as of the date up to which a fit may see.

The features of `graph/series.py`: last value, changes over 30 and 365 days, volatility, drawdown. Where a fit may see
all of a snapshot they are the snapshot's own columns; before an earlier date they are computed anew from the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.extras import needs_extra
from graphrec.features.blocks import FeatureBlock, Seen, Sentences, SourceContext
from graphrec.graph.series import FEATURES, series_features
from graphrec.progress import Progress, silent
from graphrec.schema import SeriesSchema
from graphrec.times import moment_of

USED = FEATURES[1:]
"""The last value is in the series' own unit and says nothing beside that of another node."""
SENTENCES: Mapping[str, Sentences] = {
    "+": {
        "en": "the price history of {i} is close to that of {a}, which you {verb}",
        "zh": "{i}的价格走势与您{verb}的{a}相近",
    },
    "-": {
        "en": "the price history of {i} is far from that of {a}, which you {verb}",
        "zh": "{i}的价格走势与您{verb}的{a}相差较大",
    },
}


@dataclass(frozen=True)
class SeriesSource:
    """Features of the series of every label that has one."""

    folder: Path
    """Of the series files of the home."""
    name: str = "series"

    @property
    def sentences(self) -> Mapping[str, Sentences]:
        """How lines name the block."""
        return SENTENCES

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """A block for every label with series, scaled by the nodes that have an edge in what may be seen.

        Raises:
            ModelError: an earlier date is asked for and the home has no rows of the series.
        """
        rules = sorted(seen.snapshot.schema.series.values(), key=lambda rule: rule.name)
        found: dict[str, list[FeatureBlock]] = {}
        for done, rule in enumerate(rules):
            progress("series", done, len(rules))
            found.setdefault(rule.of, []).append(self._block(rule, seen))
        return [_joined(parts) for _, parts in sorted(found.items())]

    def _block(self, rule: SeriesSchema, seen: Seen) -> FeatureBlock:
        values = self._from_snapshot(rule, seen) if seen.before is None else self._from_rows(rule, seen)
        known = seen.known(rule.of)
        names = tuple(f"{rule.name} {value} {feature}" for value in rule.values for feature in USED)
        valid = np.isfinite(values)
        fitted = np.where(valid & known[:, None], values, np.nan)
        there = np.asarray(np.isfinite(fitted).sum(axis=0) > 1)
        mean, spread = np.zeros(len(names)), np.ones(len(names))
        mean[there] = np.nanmean(fitted[:, there], axis=0)
        spread[there] = np.nanstd(fitted[:, there], axis=0)
        usable = there & (spread > 0)
        scaled = np.zeros(values.shape)
        np.divide(values - mean, spread, out=scaled, where=valid & usable[None, :])
        missing = np.asarray(~valid.any(axis=1), np.float64)[:, None]
        return FeatureBlock(
            self.name,
            rule.of,
            np.hstack([np.clip(scaled, -3.0, 3.0), missing]).astype(np.float32),
            (*names, f"{rule.name}: missing"),
            as_of=seen.snapshot.as_of if seen.before is None else _date(seen.before),
            definition={rule.name: {"features": list(names), "mean": mean.tolist(), "spread": spread.tolist()}},
        )

    def _from_snapshot(self, rule: SeriesSchema, seen: Seen) -> NDArray[np.float64]:
        """The features (num_nodes, num_values * num_features) as of the snapshot's own date."""
        nodes = seen.snapshot.nodes(rule.of)
        columns = []
        for name in (f"{rule.name}_{value}_{feature}" for value in rule.values for feature in USED):
            if name in seen.snapshot.meta.columns[rule.of]:
                column = nodes.column(name)
                columns.append(np.where(np.asarray(column.valid), np.asarray(column.values, np.float64), np.nan))
            else:
                columns.append(np.full(len(nodes), np.nan))
        return np.stack(columns, axis=1)

    def _from_rows(self, rule: SeriesSchema, seen: Seen) -> NDArray[np.float64]:
        with needs_extra("train", "the block series"):
            from graphrec.store.series import all_series

            rows = all_series(self.folder, rule)
        if not rows.files:
            raise ModelError(
                f"the series {rule.name} has no rows in {self.folder}, so that it cannot be read up to the date that "
                "this fit may see; load it, or run: graphrec train without --blocks series"
            )
        place = {name: n for n, name in enumerate(seen.snapshot.nodes(rule.of).ids)}
        found = np.full((len(place), len(rule.values) * len(USED)), np.nan)
        by_value = series_features(rows, rule.values, seen.before)
        for n, (ids, features) in enumerate(by_value.values()):
            here = [(place[one], row) for row, one in enumerate(ids) if one in place]
            nodes, taken = (list(part) for part in zip(*here, strict=True)) if here else ([], [])
            found[nodes, n * len(USED) : (n + 1) * len(USED)] = features[taken, 1:]
        return found


def make(context: SourceContext) -> SeriesSource:
    """The source of a home."""
    return SeriesSource(context.series)


def _joined(parts: Sequence[FeatureBlock]) -> FeatureBlock:
    """The blocks of several series of one label side by side."""
    definition = {name: entry for part in parts for name, entry in part.definition.items()}
    columns = tuple(name for part in parts for name in part.columns)
    return replace(parts[0], matrix=np.hstack([part.matrix for part in parts]), columns=columns, definition=definition)


def _date(microseconds: int) -> str:
    return moment_of(microseconds).isoformat()
