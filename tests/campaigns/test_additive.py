"""Additive response models: lines add up, bins are of the fit alone, what is planted is found."""

import numpy as np
import pytest

from graphrec.campaigns.additive import Additive, Cut, auc, fit, log_loss


def planted(rows: int = 4000) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A response that rises with income but for the richest, falls by phone, and knows nothing of noise."""
    rng = np.random.default_rng(3)
    income, noise = rng.gamma(3, 1000, rows), rng.normal(size=rows)
    channel = rng.choice(["mail", "phone", "branch"], rows).astype(object)
    z = -2 + np.where(income < 5000, income / 2500, -1) - 1.5 * (channel == "phone")
    income[::50] = np.nan
    return {"income": income, "channel": channel, "noise": noise}, rng.random(rows) < 1 / (1 + np.exp(-z))


def test_base_and_lines_are_the_logit() -> None:
    table, response = planted()
    model = fit(table, response, ridge=10.0)
    logits = model.base + model.lines(table).sum(axis=1)
    np.testing.assert_allclose(logits, model.logits(table), atol=1e-12)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), model.probabilities(table), atol=1e-12)
    np.testing.assert_allclose(model.lines(table).mean(axis=0), 0, atol=1e-9)  # from an average row
    again = Additive.from_json(model.to_json())
    np.testing.assert_array_equal(again.logits(table), model.logits(table))


def test_the_fit_is_at_its_optimum() -> None:
    """No other weights have a smaller penalised loss, by finite differences of the mean response."""
    table, response = planted()
    model = fit(table, response, ridge=1e-6)
    found = model.probabilities(table)
    assert found.mean() == pytest.approx(response.mean(), abs=1e-6)
    for cut in model.cuts:  # without a penalty every bin's mean is that of its rows
        bins = cut.bins(table[cut.name])
        for place in np.unique(bins):
            assert found[bins == place].mean() == pytest.approx(response[bins == place].mean(), abs=1e-3)


def test_what_is_planted_is_found() -> None:
    table, response = planted()
    seen = np.arange(len(response)) < 3000
    model = fit({name: values[seen] for name, values in table.items()}, response[seen])
    other = {name: values[~seen] for name, values in table.items()}
    assert auc(model.logits(other), response[~seen]) > 0.72
    spread = dict(zip([cut.name for cut in model.cuts], model.lines(other).std(axis=0), strict=True))
    assert spread["noise"] < 0.5 * min(spread["income"], spread["channel"])


def test_bins_are_of_the_rows_of_the_fit() -> None:
    cut = Cut.of("x", np.array([1.0, 2.0, 3.0, 4.0] * 10))
    assert cut.bins(np.array([-9.0, 1.0, 4.0, 99.0, np.nan])).tolist()[0] == cut.bins(np.array([1.0]))[0]
    assert cut.bins(np.array([99.0]))[0] == cut.bins(np.array([4.0]))[0]
    assert cut.bins(np.array([np.nan]))[0] == 0
    text = Cut.of("t", np.array(["a"] * 30 + ["b"] * 30 + ["rare"], object))
    assert text.bins(np.array(["a", "b", "rare", "new", None], object)).tolist() == [1, 2, 3, 3, 0]
    assert [text.said(place) for place in range(4)] == ["not known", "a", "b", "another one"]


def test_a_constant_column_and_an_empty_one() -> None:
    response = np.arange(100) % 3 == 0
    model = fit({"same": np.ones(100), "empty": np.full(100, np.nan)}, response)
    np.testing.assert_allclose(
        model.probabilities({"same": np.ones(1), "empty": np.ones(1)}), response.mean(), atol=0.01
    )
    assert log_loss(np.zeros(4), np.array([True, False, True, False])) == pytest.approx(np.log(2))


def test_a_model_beside_another_differs_only_where_its_rows_say_so() -> None:
    """The effect of a contact is planted for one channel; two models apart see effects that are none."""
    table, _ = planted()
    rng = np.random.default_rng(5)
    treated = rng.random(len(table["channel"])) < 0.5
    z = -1.5 + 0.8 * np.tanh(table["noise"]) + 1.0 * (treated & (table["channel"] == "mail"))
    response = rng.random(len(z)) < 1 / (1 + np.exp(-z))
    every = fit(table, response, ridge=10.0)
    effect = np.where(table["channel"] == "mail", 1.0, 0.0)

    def uplift(beside: Additive | None) -> np.ndarray:
        one, other = (
            fit({name: values[group] for name, values in table.items()}, response[group], beside=beside)
            for group in (treated, ~treated)
        )
        return np.asarray(one.logits(table) - other.logits(table))

    apart, together = uplift(None), uplift(every)
    assert np.corrcoef(together, effect)[0, 1] > max(0.9, np.corrcoef(apart, effect)[0, 1])
    whole = fit(table, response, ridge=1e9, beside=every)
    np.testing.assert_allclose(whole.logits(table), every.logits(table), atol=1e-3)
