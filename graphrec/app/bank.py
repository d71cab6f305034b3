"""`Bank`: one home with its settings and opened models, and a method for every use case."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from graphrec.app.models.opened import Opened, pointer
from graphrec.app.moments import moment_of_now, parse_moment
from graphrec.config.settings import NO_POLICY, Settings, read_settings
from graphrec.extras import needs_extra
from graphrec.home import Home
from graphrec.progress import Progress, silent
from graphrec.schema import EXACT
from graphrec.times import microseconds_of

if TYPE_CHECKING:
    from graphrec.app import answers, jobs, requests, results
    from graphrec.app.data.events import Consumed, Events
    from graphrec.app.data.onward import Onward
    from graphrec.app.data.refresh import Refreshed
    from graphrec.app.finance.watching import Watching
    from graphrec.app.lists.about import Customer, Product
    from graphrec.app.models.card import Card
    from graphrec.app.models.compare import Compared, LiveThen
    from graphrec.app.report.make import ReportMade
    from graphrec.demo.bank import BankReport
    from graphrec.errors import GraphrecError
    from graphrec.evaluation.cold.evaluate import ColdStart
    from graphrec.evaluation.profit import ProfitCurve
    from graphrec.evaluation.rolling import Rolling
    from graphrec.events.log import Appended
    from graphrec.features.sources.text.cache import EncodeReport
    from graphrec.finance.market.portfolio import Portfolio
    from graphrec.finance.portrait import Portrait
    from graphrec.monitoring.history import Run
    from graphrec.outcomes.experiments import Experiments, Stopped
    from graphrec.policy.cases import CaseResult, PolicyDifference
    from graphrec.policy.rules import Policy
    from graphrec.privacy.contests import Contest
    from graphrec.privacy.holds import Hold
    from graphrec.records.keep import Pruned
    from graphrec.records.read import Entry
    from graphrec.records.replay import Refusals, Replay
    from graphrec.records.verify import Verification
    from graphrec.schema import View
    from graphrec.serving.proof.contestable import Contestable
    from graphrec.serving.views import SeenWhyNot
    from graphrec.terms.live import Switch
    from graphrec.training.encoder import TunedEncoder
    from graphrec.training.job import TrainReport

Note = Callable[[str], None]


def _log_note(text: str) -> None:
    logging.getLogger("graphrec").info("%s", text)


class Bank:
    """A bank's home, ready to answer requests.

    Threads may share one. A model that another process puts in the place of the opened one answers from the next
    request on; a request uses one model from start to end.

    Args:
        settings: None: graphrec.toml, the environment and the defaults.
        on_note: receives what a reader should know while long work runs; default: the log.

    Raises:
        SettingsError: the settings, or when a request comes the home, cannot be used.
        SchemaOutdated: (when a request comes) a newer graphrec wrote the home.
    """

    def __init__(self, settings: Settings | None = None, *, on_note: Note = _log_note) -> None:
        self.settings = read_settings() if settings is None else settings
        self.on_note = on_note
        self.opened = Opened()
        self.experiments: tuple[object, Experiments] | None = None
        """What experiments.toml said when it was last read, and the state of the files then: app/campaigns/arms.py."""

    @classmethod
    def open(cls, home: str | Path | None = None, store: str | None = None) -> Bank:
        """The bank in a home; what is not named here comes from graphrec.toml, the environment and the defaults."""
        return cls(read_settings(home=None if home is None else str(home), store=store))

    @cached_property
    def home(self) -> Home:
        """The home folder, checked; `.prepare()` makes it."""
        file = self.settings.policy
        named = None if file is None or file == NO_POLICY else Path(file)
        return Home(self.settings.home, named, without_policy=file == NO_POLICY).check()

    @cached_property
    def events(self) -> Events:
        """The events of the home."""
        from graphrec.app.data.events import Events

        return Events(self.home)

    @cached_property
    def onward(self) -> Onward:
        """What writes events on into a store that is a server."""
        from graphrec.app.data.onward import Onward

        return Onward(self)

    @cached_property
    def watching(self) -> Watching:
        """What asks the rules of alerts.toml about events."""
        from graphrec.app.finance.watching import Watching

        return Watching(self)

    def home_at(self, as_of: str | None, *, no_policy: bool = False) -> Home:
        """The home as of a date, or as it is now.

        Args:
            no_policy: without its policy.

        Raises:
            UsageError: it is no date.
        """
        home = replace(self.home, without_policy=True) if no_policy else self.home
        return home if as_of is None else home.at(parse_moment(as_of))

    def now(self, as_of: str | None = None) -> int:
        """The date of the answers to one request, in microseconds since 1970.

        Args:
            as_of: the date that the request names.

        Raises:
            UsageError: it is no date.
        """
        return microseconds_of(moment_of_now(as_of, self.settings.today))

    def settle_today(self, last: date | None = None) -> str | None:
        """Write the date of answers where the data ends long ago; what was done, in one sentence.

        Args:
            last: the day of the last event; None: that of the facts.
        """
        from graphrec.app.data.today import settle_today

        return settle_today(self, last)

    def reread(self, today: date) -> None:
        """Take another date of answers, which graphrec.toml names from now on."""
        self.settings = replace(self.settings, today=today)

    @property
    def store(self) -> str:
        """The store's address: `neo4j://…`, `bolt://…` or a path."""
        return self.settings.store or str(self.home.store)

    # Answers for one customer: numpy alone.

    @needs_extra("fast")
    def recommend(self, request: requests.Recommend) -> answers.Served:
        """The products that fit one user best, with reasons.

        Raises:
            UnknownId: there is no such user.
            NotTrained: there is no model.
            NoPolicy: the home has no policy, and the request does not go without one.
        """
        from graphrec.app.lists.serve import recommend

        return recommend(self, request)

    @needs_extra("fast")
    def recommend_all(self, asked: Sequence[requests.Recommend]) -> list[answers.Served | GraphrecError]:
        """What `recommend` gives for each of several requests, or the error that it raises.

        Requests that differ in the user alone are answered and recorded together, which takes less time.
        """
        from graphrec.app.lists.serve import recommend_all

        return recommend_all(self, asked)

    @needs_extra("fast")
    def recommend_seen(
        self, asked: Sequence[requests.Recommend], views: Sequence[View]
    ) -> list[answers.Served | answers.Seen | GraphrecError]:
        """What `recommend_all` gives, each answer as a role reads it: `seen`, or for `compliance` the answer itself.

        It is made before the entries go to the disk, so that an answer leaves as soon as its entry is there.

        Args:
            views: of each request.
        """
        from graphrec.app.lists.serve import recommend_seen

        return recommend_seen(self, asked, views)

    @needs_extra("report")
    def explain(self, request: requests.Explain) -> answers.Served:
        """Every line of one score.

        Raises:
            UnknownId: there is no such user or product.
            NotTrained: there is no model.
        """
        from graphrec.app.lists.serve import explain

        return explain(self, request)

    @needs_extra("fast")
    def why_not(self, request: requests.WhyNot) -> answers.Refused:
        """The rules that refuse a product to a user, or what its score lacks.

        Raises:
            UnknownId: there is no such user or product.
            NotTrained: there is no model.
        """
        from graphrec.app.lists.serve import why_not

        return why_not(self, request)

    def what_if(self, request: requests.WhatIf) -> answers.WhatIfAnswer:
        """The list that a customer would get if a product more, a product less or an amount were so.

        Raises:
            UnknownId: there is no such user or product.
            NotTrained: there is no model.
            NoPolicy: the home has no policy.
            UsageError: the request names nothing that is different.
        """
        from graphrec.app.lists.what_if import what_if

        return what_if(self, request)

    @needs_extra("fast")
    def audience(
        self, request: requests.Audience, view: View = EXACT, *, progress: Progress = silent
    ) -> answers.ProductAudience:
        """The customers for whom a product ranks best, as a role reads it, and why the others are not among them.

        Raises:
            UnknownId: there is no such product.
            NotTrained: there is no model.
            NoPolicy: the home has no policy, and the request does not go without one.
            PolicyError: the condition does not fit the graph.
        """
        from graphrec.app.lists.audience import audience

        return audience(self, request, view, progress)

    def send_event(self, request: requests.SendEvent) -> Appended:
        """What one customer did: in the log, and in the next answer.

        Raises:
            EventRefused: it cannot be counted.
            NotTrained: nothing is loaded yet.
        """
        from graphrec.app.data.events import one_event

        done = one_event(self, request)
        if trouble := self.onward.wait():
            self.on_note(f"kept, and not in the store yet: {trouble}")
        if trouble := self.watching.wait():
            self.on_note(f"kept, and the rules of alerts.toml were not asked: {trouble}")
        return done

    @needs_extra("kafka")
    def consume(self, request: jobs.Consume, *, progress: Progress = silent) -> Consumed:
        """The events of a file or of a topic, into the log; what is none that counts becomes a dead letter.

        Raises:
            SourceError: the file or the broker cannot be read.
            NotTrained: nothing is loaded yet.
        """
        from graphrec.app.data.stream import consume

        return consume(self, request, progress)

    def seen(self, served: answers.Served, view: View) -> answers.Seen:
        """What a role reads of an answer; `compliance` reads the answer itself.

        Raises:
            SettingsError: the secret of the home cannot be used.
        """
        from graphrec.app.views import seen

        return seen(self, served, view)

    def seen_why_not(self, refused: answers.Refused, view: View) -> SeenWhyNot:
        """What a role reads of why a product is not in a list."""
        from graphrec.app.views import seen_why_not

        return seen_why_not(self, refused, view)

    @needs_extra("embedded")
    def find(self, request: requests.Find) -> answers.FoundNodes:
        """Users and products by id, name or text.

        Raises:
            NotTrained: there is no snapshot and nothing to take one from.
        """
        from graphrec.app.lists.serve import find

        return find(self, request)

    def about_customer(self, request: requests.AboutCustomer) -> Customer:
        """What is known of one customer: facts, what is held, what else happened.

        Raises:
            UnknownId: there is no such user.
            NotTrained: there is no model.
        """
        from graphrec.app.lists.about import about_customer

        return about_customer(self, request)

    def about_product(self, request: requests.AboutProduct) -> Product:
        """What is known of one product: facts, who holds it by segment, similar products.

        Raises:
            UnknownId: there is no such product.
            NotTrained: there is no model.
        """
        from graphrec.app.lists.about import about_product

        return about_product(self, request)

    def examples(self) -> results.Examples:
        """A few customers to show the bank with.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.app.lists.examples import examples

        return examples(self)

    def example_users(self) -> tuple[str, ...]:
        """A few customers to begin with; none where nobody holds enough.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.app.lists.examples import example_users

        return example_users(self)

    def models(self) -> tuple[answers.KnownModel, ...]:
        """The models of the home, the one that answers by default marked `live`."""
        from graphrec.app.models.live import models

        return models(self)

    def switches(self) -> tuple[Switch, ...]:
        """Every promotion and every rollback, oldest first."""
        from graphrec.app.models.live import switches

        return switches(self)

    def track_model(self, request: jobs.TrackModel) -> results.Tracked:
        """A model as a run and a registered version of an MLflow server.

        Raises:
            UnknownId: there is no such model.
            DeliveryError: the server does not answer, or refuses.
        """
        from graphrec.app.models.tracked import track_model

        return track_model(self, request)

    def check_model(self, request: jobs.CheckModel, *, progress: Progress = silent) -> results.CheckedModel:
        """The bounds of the mapping's `[live]` beside the figures of a model.

        Raises:
            UnknownId: there is no such model.
            NotApproved: it cannot be measured.
        """
        from graphrec.app.models.bounds import check_model

        return check_model(self, request, progress)

    def switch_model(self, request: requests.SwitchModel, *, progress: Progress = silent) -> answers.Switched:
        """Another model that answers by default: promoted, rolled back, or the newest again.

        Raises:
            UnknownId: there is no such model.
            UsageError: there is nothing to go back to.
            NotTrained: there is no model.
            CheckpointMismatch: the model does not fit the facts.
            NotApproved: it is retired, require_approval is set and it is not approved, or it does not keep a bound of
                the mapping's `[live]`.
        """
        from graphrec.app.models.live import switch_model

        return switch_model(self, request, progress)

    def reidentify(self, request: jobs.Reidentify) -> results.Reidentified:
        """Who the pseudonyms of an export are; each look is recorded.

        Raises:
            UsageError: no reason, no name of who asks, or a text that is no pseudonym.
            RecordError: the key of the home is gone, or nothing can be recorded.
        """
        from graphrec.app.privacy.pseudonyms import reidentify

        return reidentify(self, request)

    @needs_extra("fast")
    def contest(self, request: requests.PutContest) -> answers.Contested:
        """An edge or a reason that a customer contests is counted no more, or again; and what that does to the list.

        Raises:
            UnknownId: there is no such user, or the user has no such edge, reason or contest.
            NotTrained: there is no model.
        """
        from graphrec.app.privacy.contests import put_contest

        return put_contest(self, request)

    def contestable(self, user: str, product: str, language: str | None = None) -> tuple[Contestable, ...]:
        """The reasons of a product that a customer may contest, with the numbers that `PutContest` takes.

        Raises:
            UnknownId: there is no such user or product, or it is not offered to that user.
        """
        from graphrec.app.privacy.contests import contestable_reasons

        return contestable_reasons(self, user, product, language)

    def contests(self, user: str) -> tuple[Contest, ...]:
        """What a customer contests, the oldest first."""
        return self.events.contests.all().get(user, ())

    @needs_extra("train")
    def compare_models(self, request: jobs.CompareModels, *, progress: Progress = silent) -> Compared:
        """The lists of a champion and of a challenger for the same customers, and metrics where both have them.

        Raises:
            UnknownId: there is no such model.
            UsageError: both are the same one.
        """
        from graphrec.app.models.compare import compare_models

        return compare_models(self, request, progress)

    def live_then(self, date: str) -> LiveThen:
        """Which model was live at the end of a day, and which answered on it.

        Raises:
            UsageError: it is no date.
        """
        from graphrec.app.models.compare import live_then

        return live_then(self, date)

    def set_standing(self, request: requests.SetStanding) -> answers.StandingSet:
        """A model validated, approved by somebody else, or retired.

        Raises:
            UnknownId: there is no such model.
            UsageError: it is not at that point, nobody is named, or one person does both.
        """
        from graphrec.app.models.standing import set_standing

        return set_standing(self, request)

    def model_card(self, request: requests.AskModelCard) -> Card:
        """What a model is, what it was fitted on, how good it is, its limits, who approved it.

        Raises:
            UnknownId: there is no such model.
            NotTrained: there is none at all.
        """
        from graphrec.app.models.card import model_card

        return model_card(self, request)

    def sealed_card(self, card: Card, text: str) -> str:
        """A card as a file, with a last line that an edit breaks: hash and signature of the home."""
        from graphrec.app.models.card import sealed

        return sealed(self, card, text)

    def adviser_of(self, user: str) -> str | None:
        """The adviser of a customer, from the column that the mapping names; None where nobody is.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.app.models.live import adviser_of

        return adviser_of(self, user)

    def min_group(self) -> int:
        """The fewest people that others than compliance may read a number of.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.app.models.live import min_group

        return min_group(self)

    def dates(self) -> tuple[str, ...]:
        """The dates as of which the home has a model of its own, the earliest first."""
        from graphrec.app.models.live import dates

        return dates(self)

    def check_ready(self) -> None:
        """Stop where no list can be made.

        Raises:
            NotTrained: there is no model.
            NoPolicy: there is no policy, and the settings do not say that none is wanted.
        """
        from graphrec.app.models.live import check_ready

        check_ready(self)

    def last_event(self, user: str) -> int:
        """The number of the last event of a customer, which decides answers besides `state`; 0: there is none."""
        return self.events.log.last_of(user) if self.home.events.exists() else 0

    def state(self, as_of: str | None = None, model: str | None = None) -> str:
        """A hash that changes with whatever answers are computed from: model, facts, policy, the date of the answer.

        What a customer did since decides too: `last_event`.

        Raises:
            NotTrained: there is no model.
            UsageError: `as_of` is no date.
        """
        from graphrec.app.campaigns.arms import states
        from graphrec.app.data.facts import stale

        home = self.home_at(as_of)
        decides = (pointer(home, model), self.now(as_of), stale(home), *states(self))
        return hashlib.sha256(repr(decides).encode()).hexdigest()[:16]

    # Lists for all customers.

    @needs_extra("fast")
    def estimate_export(self, request: jobs.Export) -> results.EstimatedExport:
        """What an export would take at least, from the lists of a sample that are thrown away.

        Raises:
            UsageError: no sink, or an unknown one, is named, or nobody is chosen.
            NoPolicy: the home has no policy, and the request does not go without one.
        """
        from graphrec.app.lists.estimate import estimate_export

        return estimate_export(self, request)

    @needs_extra("fast")
    def export(self, request: jobs.Export, *, progress: Progress = silent) -> results.Exported:
        """The lists of all users, delivered.

        Raises:
            UsageError: no sink, or an unknown one, is named.
            NoPolicy: the home has no policy, and the request does not go without one.
            MissingRules: a final model that was in force before is gone.
        """
        from graphrec.app.lineage import Dataset, traced
        from graphrec.app.lists.deliver import export

        with traced(self, "export") as run:
            run.inputs.append(Dataset(str(self.home.path), "model"))
            done = export(self, request, progress)
            run.outputs.append(Dataset("lists", str(request.out or request.to)))
            return done

    @needs_extra("fast")
    def plan_campaign(self, request: jobs.PlanCampaign, *, progress: Progress = silent) -> results.CampaignPlan:
        """Who hears about what, within budget, capacities, caps and consents.

        Raises:
            UsageError: the file cannot be used, or the campaign is delivered.
            UnknownId: it names a product or a customer who is not there.
            NoPolicy: the home has no policy.
        """
        from graphrec.app.campaigns.plans import plan

        return plan(self, request, progress)

    def campaigns(self, adviser: str | None = None) -> tuple[results.KnownCampaign, ...]:
        """The campaigns of the home, the newest first.

        Args:
            adviser: only those that are delivered to this adviser; None: all.
        """
        from graphrec.app.campaigns.plans import campaigns

        return campaigns(self, adviser)

    def planned_campaign(self, name: str) -> results.CampaignPlan:
        """What the plan of a campaign came to, as it was made.

        Raises:
            UnknownId: there is no such plan.
            Damaged: an older graphrec made it.
        """
        from graphrec.app.campaigns.plans import planned

        return planned(self, name)

    def campaign_contacts(self, request: jobs.ListContacts) -> results.CampaignContacts:
        """Contacts of a campaign: those that were delivered, else those of the plan.

        Raises:
            UnknownId: there is no such plan, or for an adviser none that is delivered.
        """
        from graphrec.app.campaigns.plans import contacts

        return contacts(self, request)

    @needs_extra("fast")
    def deliver_campaign(
        self, request: jobs.DeliverCampaign, *, progress: Progress = silent
    ) -> results.CampaignDelivered:
        """The contacts of a planned campaign as files for advisers.

        Raises:
            UnknownId: there is no such plan.
            UsageError: it is delivered already, or the folder is there.
        """
        from graphrec.app.campaigns.plans import deliver

        return deliver(self, request, progress)

    def report_campaign(self, request: jobs.ReportCampaign) -> results.CampaignReport:
        """What those who were contacted did, beside the control.

        Raises:
            UnknownId: there is no such plan.
            UsageError: it is not delivered yet.
        """
        from graphrec.app.campaigns.plans import report

        return report(self, request)

    def fit_response(self, request: jobs.FitResponse, *, progress: Progress = silent) -> results.ResponseFitted:
        """A model of who responds to a contact, additive over columns.

        Raises:
            SourceError: the file cannot be read.
            UsageError: a column is not there, or the name is none.
        """
        from graphrec.app.campaigns.response import fit_response

        return fit_response(self, request, progress)

    def score_response(self, request: jobs.ScoreResponse) -> results.ResponseScored:
        """The probability of each row of a file, with the lines that add up to its logit.

        Raises:
            UnknownId: there is no such model.
            SourceError: the file cannot be read, or lacks a column.
        """
        from graphrec.app.campaigns.response import score_response

        return score_response(self, request)

    # What is known of customers and of risk.

    def portrait(self, request: requests.AskPortrait) -> Portrait:
        """What is computed of one customer from what they did and hold, as of a date.

        Raises:
            UnknownId: there is no such customer.
            UsageError: portrait.toml of the home does not fit the graph.
        """
        from graphrec.app.finance.portrait import portrait

        return portrait(self, request)

    def quality(self, request: jobs.AskQuality) -> results.DataQuality:
        """What is wrong with the data that were loaded, column by column.

        Raises:
            NotTrained: nothing is loaded.
            UsageError: quality.toml of the home does not fit the graph.
        """
        from graphrec.app.maintenance.quality import ask_quality

        return ask_quality(self, request)

    @needs_extra("load")
    def find_duplicates(self, request: jobs.FindDuplicates) -> results.Duplicates:
        """Write a review of customers who are likely to be there twice; nothing is merged.

        Raises:
            UsageError: fewer than two columns say who a customer is.
        """
        from graphrec.app.maintenance.duplicates import find_duplicates

        return find_duplicates(self, request)

    def plan_loan(self, request: jobs.PlanLoan) -> results.LoanPlans:
        """Every loan and term for an amount, with what refuses it, and the largest amount that may be offered.

        Raises:
            UnknownId: there is no such customer.
            UsageError: plan.toml of the home is not there or does not fit the graph.
        """
        from graphrec.app.finance.plan import plan_loan

        return plan_loan(self, request)

    @needs_extra("load")
    def portfolio(self, request: jobs.AskPortfolio) -> Portfolio:
        """What a customer holds as of a date, and what a candidate would do to it.

        Raises:
            UnknownId: there is no such customer or product.
            UsageError: holdings have no amounts, or market.toml does not fit the graph.
        """
        from graphrec.app.finance.portfolio import ask_portfolio

        return ask_portfolio(self, request)

    @needs_extra("finance")
    def exposure(self, request: jobs.AskExposure, *, progress: Progress = silent) -> results.Exposure:
        """How large a part of all lists goes to products by columns, beside their part of what the policy allows.

        Raises:
            UsageError: a column is not there, or none is named.
            NotTrained: there is no model.
        """
        from graphrec.app.lists.exposure import exposure

        return exposure(self, request, progress)

    @needs_extra("load")
    def portfolios(self, request: jobs.AskPortfolios, *, progress: Progress = silent) -> results.Portfolios:
        """The portfolios of all customers as of a date, a line each in a file, and what a candidate would do to them.

        Raises:
            UnknownId: there is no such product.
            UsageError: holdings have no amounts, or market.toml does not fit the graph.
        """
        from graphrec.app.finance.portfolios import portfolios

        return portfolios(self, request, progress)

    def propose_portfolio(self, request: jobs.ProposePortfolio) -> results.ProposedMix:
        """The least volatile mix of what a customer holds and of the products of their list, within limits.

        Raises:
            UnknownId: there is no such customer.
            UsageError: no mix is within the limits, or there are too few prices.
            NotTrained: there is no model.
        """
        from graphrec.app.finance.propose import propose_portfolio

        return propose_portfolio(self, request)

    @needs_extra("load")
    def run_alerts(self, request: jobs.RunAlerts, *, progress: Progress = silent) -> results.AlertsRun:
        """What alerts.toml asks about, as of a date; new alerts are in the record.

        Raises:
            UsageError: alerts.toml of the home is not there or does not fit the graph.
            RecordError: the settings keep no record.
        """
        from graphrec.app.finance.alerts import run_alerts

        return run_alerts(self, request, progress)

    def alerts(self, request: jobs.ListAlerts) -> tuple[results.Alert, ...]:
        """The alerts of the record, the oldest first."""
        from graphrec.app.finance.alerts import list_alerts

        return list_alerts(self, request)

    def set_alert(self, request: jobs.SetAlert) -> results.Alert:
        """An alert acknowledged, or closed with a reason.

        Raises:
            UnknownId: there is no such alert.
            UsageError: it is in that state, or a name or a reason is missing.
        """
        from graphrec.app.finance.alerts import set_alert

        return set_alert(self, request)

    def fairness(self, request: jobs.AskFairness, *, progress: Progress = silent) -> results.FairnessOf:
        """Who gets how good lists by a tested model, and whom lists show.

        Raises:
            NotTrained: there is no model.
            ModelError: the model is final, or there is nothing to find.
        """
        from graphrec.app.models.fairness import ask_fairness

        return ask_fairness(self, request, progress)

    def stability(self, request: jobs.AskStability, *, progress: Progress = silent) -> results.StabilityOf:
        """How much the lists of a model change in another run, with lost rows, and by customers who are not real.

        Raises:
            NotTrained: there is no model.
            ModelError: nothing of it has a score on such facts.
        """
        from graphrec.app.models.stability import ask_stability

        return ask_stability(self, request, progress)

    @needs_extra("report")
    def statement(self, request: requests.AskStatement) -> answers.Handed:
        """The suitability statement of one product for one customer, each sentence with the fields that it is of.

        Raises:
            UnknownId: there is no such customer or product.
            UsageError: statement.toml of the home is not there or does not fit the graph.
            NotTrained: there is no model.
        """
        from graphrec.app.finance.statement import statement

        return statement(self, request)

    def init_file(self, request: jobs.InitFile) -> results.FirstFile:
        """A first statement.toml, plan.toml, market.toml or alerts.toml, filled with what names of columns say.

        Raises:
            UsageError: there is one already, or alerts.toml has nothing to watch.
            NotTrained: nothing is loaded.
        """
        from graphrec.app.finance.first_files import init_file

        return init_file(self, request)

    def read_statement(self, request: requests.ReadStatement) -> answers.Handed:
        """A statement as it was recorded, with what was decided since.

        Raises:
            UnknownId: the entry is no statement.
        """
        from graphrec.app.finance.statement import read

        return read(self, request)

    def printed_statement(self, handed: answers.Handed, form: Literal["markdown", "html"]) -> str:
        """A statement as a document in its language; a browser makes PDF of the HTML."""
        from graphrec.app.finance.statement import printed

        return printed(self, handed, form)

    @needs_extra("pdf")
    def statement_as_pdf(self, handed: answers.Handed) -> bytes:
        """A statement as PDF in its language.

        Raises:
            UsageError: the machine lacks libraries or fonts that this needs.
        """
        from graphrec.app.finance.statement import as_pdf

        return as_pdf(self, handed)

    def decide(self, request: requests.Decide) -> answers.Handed:
        """What a person decided of a statement, appended to the record.

        Raises:
            UnknownId: the entry is no statement.
            UsageError: it is decided already, may not be handed over, or the same person approves it.
            RecordError: nothing can be recorded.
        """
        from graphrec.app.finance.statement import decide

        return decide(self, request)

    @needs_extra("report")
    def report(self, request: jobs.MakeReport, *, progress: Progress = silent) -> ReportMade:
        """What every measurement of the home says, kept, and written as one page where it is asked for.

        Raises:
            UsageError: a part, a file or a report to compare with is not what is wanted.
        """
        from graphrec.app.report.make import make_report

        return make_report(self, request, progress)

    def monitored(self) -> tuple[Run, ...]:
        """Every run of `monitor` that was kept, oldest first."""
        from graphrec.app.maintenance.monitor import monitored

        return monitored(self)

    def monitor(self, request: jobs.Monitor, *, progress: Progress = silent) -> results.Monitored:
        """What changed in inputs, lists and outcomes, beside the limits of monitor.toml.

        Raises:
            NotTrained: there is no snapshot, or none to compare with.
            UsageError: monitor.toml cannot be used.
        """
        from graphrec.app.maintenance.monitor import monitor

        return monitor(self, request, progress)

    @needs_extra("load")
    def make_portraits(self, request: jobs.MakePortraits, *, progress: Progress = silent) -> results.PortraitsMade:
        """The portraits of all customers, to a file or kept in the store.

        Raises:
            UsageError: portrait.toml of the home does not fit the graph, or nobody wants the portraits.
            Unwritable: the file cannot be written.
        """
        from graphrec.app.finance.portrait import portraits

        return portraits(self, request, progress)

    @needs_extra("load")
    def market(self, request: jobs.AskMarket, *, progress: Progress = silent) -> results.Market:
        """What prices of products did until a date, and their risk classes; kept where asked for.

        Raises:
            UnknownId: there is no such product.
            UsageError: market.toml of the home does not fit the graph, or no series has prices.
        """
        from graphrec.app.finance.market import market

        return market(self, request, progress)

    def plan_cover(self, request: jobs.PlanCover) -> results.CoverPlan:
        """What a customer needs, by which rule and evidence, and which products would meet it.

        Raises:
            UnknownId: there is no such customer.
            UsageError: needs.toml is not there, or does not fit the graph.
        """
        from graphrec.app.finance.needs import plan_cover

        return plan_cover(self, request)

    def class_changes(self, request: jobs.AskClasses) -> results.ClassesChanged:
        """Which risk classes of products changed before a date, and who holds one or has an open offer of one.

        Raises:
            UnknownId: there is no such product.
            Damaged: the history of classes is not what was written.
        """
        from graphrec.app.finance.classes import class_changes

        return class_changes(self, request)

    @needs_extra("finance")
    def fit_risk(self, request: jobs.FitRisk, *, progress: Progress = silent) -> tuple[results.RiskFitted, ...]:
        """Risk models on declared cases: additive, calibrated, kept as points.

        Raises:
            UsageError: the file of the models cannot be used, or names a column that is not there.
            SourceError: the cases cannot be read, or are too few.
        """
        from graphrec.app.finance.risk import fit_risk

        return fit_risk(self, request, progress)

    @needs_extra("finance")
    def report_risk(self, request: jobs.ReportRisk, *, progress: Progress = silent) -> tuple[results.RiskReport, ...]:
        """What risk models are worth beside logistic regression and LightGBM, on rows that no fit saw.

        Raises:
            UsageError: the file of the models cannot be used, or names a column that is not there.
            SourceError: the cases cannot be read, or are too few.
        """
        from graphrec.app.finance.risk import report_risk

        return report_risk(request, progress)

    @needs_extra("finance")
    def score_risk(self, request: jobs.ScoreRisk) -> results.RiskScored:
        """The probability of each row of a file, with the lines that add up to its logit.

        Raises:
            UnknownId: there is no such model, or no such customer.
            SourceError: the file cannot be read, or lacks a column.
            UsageError: scores are to be kept and no column has the ids of customers.
        """
        from graphrec.app.finance.risk import score_risk

        return score_risk(self, request)

    # From files to models.

    @needs_extra("load")
    def load(self, request: jobs.Load, *, progress: Progress = silent) -> results.Loaded:
        """The files of a mapping into the store.

        Raises:
            SourceError: the mapping or a file cannot be used.
            RejectedRows: more rows were rejected than the request allows.
            StoreError: the store cannot be used.
        """
        from graphrec.app.data.prepare import load
        from graphrec.app.lineage import Dataset, traced

        with traced(self, "load") as run:
            run.inputs.append(Dataset("file", str(request.data or request.mapping)))
            done = load(self, request, progress)
            if not done.checked:
                run.outputs.append(Dataset(str(self.home.path), "store"))
            return done

    @needs_extra("load")
    def propose_mapping(
        self, request: jobs.ProposeMapping, *, ask: jobs.Ask | None = None, progress: Progress = silent
    ) -> results.Proposed:
        """A first mapping from the files in a folder; `ask` gets what only a person can decide."""
        from graphrec.app.data.prepare import propose_mapping

        return propose_mapping(self, request, ask, progress)

    @needs_extra("load")
    def take_snapshot(self, request: jobs.TakeSnapshot, *, progress: Progress = silent) -> results.Taken:
        """The graph as of a date as arrays."""
        from graphrec.app.data.prepare import take_snapshot

        return take_snapshot(self, request, progress)

    def fit_classifier(self, request: jobs.FitClassifier) -> results.ClassifierFitted:
        """A classifier of relations or of tone from a CSV of examples.

        Raises:
            SourceError: the file cannot be used.
            UsageError: it has fewer than two classes.
        """
        from graphrec.app.data.extract import fit_classifier

        return fit_classifier(request, self.settings.encoder)

    @needs_extra("load")
    def extract_texts(self, request: jobs.ExtractTexts, *, progress: Progress = silent) -> results.TextsExtracted:
        """The documents of a mapping as a source: mentions and relations with their sentences, and a review.

        Raises:
            SourceError: the mapping, a file or a document cannot be used.
            ModelError: a classifier cannot be used.
            NotTrained: nothing is loaded yet.
        """
        from graphrec.app.data.extract import extract_texts

        return extract_texts(self, request, progress)

    def find_topics(self, request: jobs.FindTopics, *, progress: Progress = silent) -> results.TopicsFound:
        """Clusters of the text vectors of a label as a source: nodes with names, and who belongs to them.

        Raises:
            UsageError: the label has no texts, or is that of customers.
            MissingExtra: there are texts without vectors, and no encoder is installed.
            NotTrained: nothing is loaded yet.
        """
        from graphrec.app.data.extract import find_topics

        return find_topics(self, request, progress)

    @needs_extra("text")
    def embed(self, request: jobs.Embed, *, progress: Progress = silent) -> EncodeReport:
        """The texts of the latest snapshot as vectors."""
        from graphrec.app.data.prepare import embed

        return embed(self, request, progress)

    @needs_extra("train")
    def estimate_training(self, request: jobs.Train) -> results.EstimatedTraining:
        """What a training on the latest snapshot would take; nothing is fitted.

        Raises:
            UsageError: there is no such model, or an override does not fit one.
            NotTrained: the home has no snapshot.
        """
        from graphrec.app.models.estimate import estimate_training

        return estimate_training(self, request)

    @needs_extra("train")
    def train(self, request: jobs.Train, *, progress: Progress = silent) -> TrainReport:
        """A model fitted on the latest snapshot, which is taken first where the store holds something newer."""
        from graphrec.app.lineage import Dataset, traced
        from graphrec.app.models.fit import train

        with traced(self, "train") as run:
            done = train(self, request, progress)
            run.inputs.append(Dataset(str(self.home.path), "snapshot", done.snapshot))
            run.outputs.append(Dataset(str(self.home.path), f"model {done.path.name}", done.hash))
            return done

    @needs_extra("train")
    def refresh(self, request: jobs.Refresh, *, progress: Progress = silent) -> Refreshed:
        """Everything from new files to new lists; only what changed is done.

        Raises:
            GraphrecError: a step fails; what came before it is whole, and another run goes on there.
        """
        from graphrec.app.data.refresh import refresh

        return refresh(self, request, progress)

    @needs_extra("train")
    def tune(self, request: jobs.Tune, *, progress: Progress = silent) -> results.TunedModels:
        """Configurations of a model, searched on the validation part."""
        from graphrec.app.models.fit import tune

        return tune(self, request, progress)

    @needs_extra("encoder")
    def tune_encoder(self, request: jobs.TuneEncoder, *, progress: Progress = silent) -> TunedEncoder:
        """A text encoder that learns from what customers hold together, and what that brings."""
        from graphrec.app.models.fit import tune_encoder

        return tune_encoder(self, request, progress)

    @needs_extra("train")
    def evaluate(self, request: jobs.Evaluate, *, progress: Progress = silent) -> results.Evaluated:
        """A tested model on the hidden part, next to baselines."""
        from graphrec.app.models.fit import evaluate

        return evaluate(self, request, progress)

    @needs_extra("train")
    def evaluate_new(self, request: jobs.EvaluateNew, *, progress: Progress = silent) -> ColdStart:
        """New products or new customers."""
        from graphrec.app.models.fit import evaluate_new

        return evaluate_new(self, request, progress)

    @needs_extra("train")
    def evaluate_dates(self, request: jobs.EvaluateDates, *, progress: Progress = silent) -> Rolling:
        """A protocol of rolling dates."""
        from graphrec.app.models.fit import evaluate_dates

        return evaluate_dates(self, request, progress)

    @needs_extra("train")
    def evaluate_profit(self, request: jobs.EvaluateProfit, *, progress: Progress = silent) -> ProfitCurve:
        """What past prices would bring and cost lists, on rolling dates."""
        from graphrec.app.models.fit import evaluate_profit

        return evaluate_profit(self, request, progress)

    @needs_extra("load")
    def make_demo_bank(self, request: jobs.MakeDemoBank, *, progress: Progress = silent) -> BankReport:
        """The built-in demo bank as files."""
        from graphrec.demo.bank import write_bank

        return write_bank(request.out, size=request.size, seed=request.seed, progress=progress)

    # The store, the policy, the record.

    @needs_extra("embedded")
    def query(self, request: jobs.AskQuery) -> results.Asked:
        """The answer to a question of the library, or to a Cypher statement."""
        from graphrec.app.ask import query

        return query(self, request)

    @needs_extra("embedded")
    def library(self) -> results.Library:
        """The questions that fit the graph; all of them where the store cannot be asked."""
        from graphrec.app.ask import library

        return library(self)

    def check_policy(self, request: jobs.CheckPolicy, *, progress: Progress = silent) -> results.PolicyChecked:
        """What each rule of the policy does to all users and products."""
        from graphrec.app.ask import check_policy

        return check_policy(self, request, progress)

    def check_cases(self, request: jobs.CheckCases) -> tuple[CaseResult, ...]:
        """What the policy says of the cases in a file.

        Raises:
            PolicyError: the file, or a case in it, cannot be used.
        """
        from graphrec.app.ask import check_cases

        return check_cases(self, request)

    def diff_policies(self, request: jobs.DiffPolicies) -> PolicyDifference:
        """What a new policy allows and refuses that an old one does not.

        Raises:
            PolicyError: one of them cannot be used.
        """
        from graphrec.app.ask import diff_policies

        return diff_policies(self, request)

    def change_rule(self, request: jobs.ChangeRule) -> PolicyDifference:
        """What the policy would allow and refuse if one of its rules were another; nothing is changed.

        Raises:
            NoPolicy: the home has none.
            UnknownId: it has no such rule.
            PolicyError: the condition cannot be used.
        """
        from graphrec.app.ask import change_rule

        return change_rule(self, request)

    def policy_rules(self) -> Policy:
        """The policy that answers go by now.

        Raises:
            NotTrained: there is no model.
        """
        from graphrec.app.ask import policy_rules

        return policy_rules(self)

    def explain_policy(self, language: str | None = None) -> tuple[str, ...]:
        """The policy in words: a line for the whole, and one a rule.

        Args:
            language: its code; that of the settings when there is none.
        """
        from graphrec.app.ask import explain_policy

        return explain_policy(self, language)

    def init_policy(self, request: jobs.InitPolicy) -> results.PolicyWritten:
        """A first policy.toml: the shipped rules that the graph has columns for."""
        from graphrec.app.ask import init_policy

        return init_policy(self, request)

    def record_entry(self, number: int) -> Entry:
        """One entry of the decision record."""
        from graphrec.records.read import entry_of

        return entry_of(self.home.records, number)

    def judged_then(self, number: int, product: str) -> Refusals:
        """What each rule said of a product when an entry was recorded, computed again.

        Raises:
            UnknownId: there is no such entry, or there was no such product.
            RecordError: the entry is of no list, or something that this needs is gone.
        """
        from graphrec.records.replay import Replayer

        with Replayer(self.home) as replayer:
            return replayer.outcomes(self.record_entry(number), product)

    def record_list(self, request: jobs.ListRecord) -> tuple[results.RecordedAnswer, ...]:
        """The last entries of the decision record, oldest first."""
        from graphrec.app.record import record_list

        return record_list(self, request)

    def record_head(self) -> results.RecordHead:
        """Where the decision record ends."""
        from graphrec.app.record import record_head

        return record_head(self)

    def sign_head(self, request: jobs.SignHead) -> results.SignedHead:
        """Where the decision record ends, signed, as one more line of a file that is kept elsewhere.

        Raises:
            RecordError: the head was changed, or the signing key cannot be opened.
            SourceError: the file cannot be read or written.
            DeliveryError: the time stamp authority does not answer, or refuses.
        """
        from graphrec.app.record import sign_head

        return sign_head(self, request)

    def verify_record(self, request: jobs.VerifyRecord, *, progress: Progress = silent) -> Verification:
        """Every hash of the decision record computed anew."""
        from graphrec.app.record import asked_anchor
        from graphrec.records.verify import verify

        anchor, dated = asked_anchor(request.anchor, request.roots) if request.anchor else (None, ())
        found = verify(self.home.records, anchor, progress)
        found.notes += dated
        return found

    def prune_record(self, request: jobs.PruneRecord) -> Pruned:
        """Free what only entries before a date need for their replay."""
        from graphrec.records.keep import prune

        return prune(self.home.records, parse_moment(request.before, "--before"))

    def replay(self, number: int) -> Replay:
        """A recorded answer computed again."""
        from graphrec.records.replay import replay

        return replay(self.home, self.record_entry(number))

    def replays(self, numbers: Iterable[int]) -> Iterator[Replay]:
        """Recorded answers computed again, one after another; what they share is opened once."""
        from graphrec.records.replay import Replayer

        with Replayer(self.home) as replayer:
            for number in numbers:
                yield replayer.replay(self.record_entry(number))

    def outcomes(self, request: jobs.AskOutcomes, *, progress: Progress = silent) -> results.OutcomesOf:
        """What came of the lists of the record.

        Raises:
            UsageError: a date, or the column of a segment, cannot be used.
        """
        from graphrec.app.campaigns.outcomes import ask_outcomes

        return ask_outcomes(self, request, progress)

    def off_policy(self, request: jobs.AskOffPolicy, *, progress: Progress = silent) -> results.OffPolicyOf:
        """What a model would have earned before it serves.

        Raises:
            NoSupport: what was logged cannot say that.
            NotTrained: there is no such model.
        """
        from graphrec.app.campaigns.outcomes import ask_off_policy

        return ask_off_policy(self, request, progress)

    def evaluate_experiments(
        self, request: jobs.EvaluateExperiments, *, progress: Progress = silent
    ) -> results.Experimented:
        """What experiments have shown so far; those that have to stop are stopped where the request acts.

        Raises:
            ExperimentError: experiments.toml cannot be used, or has none of that name.
        """
        from graphrec.app.campaigns.outcomes import evaluate_experiments

        return evaluate_experiments(self, request, progress)

    def stop_experiment(self, request: jobs.StopExperiment) -> Stopped:
        """End an experiment.

        Raises:
            ExperimentError: there is none of that name.
        """
        from graphrec.app.campaigns.outcomes import stop_experiment

        return stop_experiment(self, request)

    @needs_extra("embedded")
    def subject_access(self, request: requests.SubjectAccess) -> results.SubjectAccess:
        """All that is known of one customer, how lists come about, what was shown to whom, and what would change it.

        Raises:
            UnknownId: there is no such user, and nothing was recorded of one.
        """
        from graphrec.app.privacy.subject import subject_access

        return subject_access(self, request)

    def holds(self) -> tuple[Hold, ...]:
        """The legal holds of the home, without whose they are.

        Raises:
            Damaged: the list of them is not what was written.
        """
        from graphrec.app.privacy.holds import all_holds

        return all_holds(self)

    def put_hold(self, request: jobs.PutHold) -> Hold | None:
        """Hold a customer, so that nothing of that one is removed, or lift the hold: then None.

        Raises:
            UsageError: a reason is missing, or the date is none.
            UnknownId: there is no hold to lift.
        """
        from graphrec.app.privacy.holds import put_hold

        return put_hold(self, request)

    @needs_extra("embedded")
    def backup(self, request: jobs.Backup, *, progress: Progress = silent) -> results.BackedUp:
        """The home in one file, whole or not at all; it may be served meanwhile.

        Raises:
            UsageError: the file is there already, or lies in the home.
            StoreError: the store was written meanwhile, or is not whole.
            Unreachable: another process has the store open.
        """
        from graphrec.app.maintenance.backup import backup

        return backup(self, request, progress)

    @needs_extra("embedded")
    def restore(self, request: jobs.Restore, *, progress: Progress = silent) -> results.Restored:
        """The home of a backup in the place of this one; nothing is changed before all of it is checked.

        Raises:
            SourceError: the file is no whole backup.
            UsageError: there is a home already, and it is not to be replaced.
        """
        from graphrec.app.maintenance.backup import restore

        return restore(self, request, progress)

    @needs_extra("train")
    def forget(self, request: jobs.Forget, *, progress: Progress = silent) -> results.Forgotten:
        """Customers taken out of all that the home keeps, with a signed certificate; it cannot be undone.

        Raises:
            UnknownId: one of them is nowhere; nothing was removed.
            LegalHold: one of them is held; nothing was removed.
            StoreError: a load is not complete, or the store cannot be used.
            Unreachable: another process has the store open.
        """
        from graphrec.app.privacy.forget import forget

        return forget(self, request, progress)

    @needs_extra("train")
    def federate(self, request: jobs.Federate) -> results.Federated:
        """One step towards a model of several banks, none of which sees another's customers.

        Raises:
            UsageError: a file or a name is missing, or does not belong to the plan.
            SourceError: a file is none of these.
            NotTrained: there is no snapshot.
        """
        from graphrec.app.privacy.federated import federate

        return federate(self, request)

    def escrow(self, request: jobs.AskEscrow) -> results.EscrowOf:
        """The keys in escrow of who was forgotten: listed, released with a reason, or destroyed at their date.

        Raises:
            UnknownId: no key of that customer is in escrow.
            UsageError: a release has no reason, or nobody asks.
            RecordError: a release cannot be recorded.
        """
        from graphrec.app.privacy.escrow import escrow

        return escrow(self, request)

    @needs_extra("embedded")
    def convert_store(self, *, progress: Progress = silent) -> results.StoreConverted:
        """The embedded store of the home, written anew by the engine that GRAPHREC_ENGINE names.

        Raises:
            StoreError: there is no store, an engine is not installed, or the copy is not whole.
        """
        from graphrec.app.data.prepare import convert_store

        return convert_store(self, progress)

    def upgrade(self, *, progress: Progress = silent) -> results.HomeUpgraded:
        """The home of an older graphrec, converted; it can be run again after a kill.

        Raises:
            SchemaOutdated: a newer graphrec wrote it.
            SettingsError: there is no home, or it cannot be written.
            RecordError: the decision record is not as it was written.
        """
        from graphrec.app.maintenance.upgrade import upgrade

        return upgrade(self, progress)

    def publish(self, request: jobs.Publish, *, progress: Progress = silent) -> results.Published:
        """The serving side of the home, copied for a serving machine.

        Raises:
            NotTrained: there is no model.
            UsageError: the target is another home.
        """
        from graphrec.app.maintenance.publish import publish

        return publish(self, request, progress)

    def doctor(self, *, deep: bool = False) -> results.Health:
        """What this machine, the home and the store are like; `deep` reads all rows of the store too."""
        from graphrec.app.maintenance.doctor import run_checks

        return run_checks(lambda: self, deep=deep)
