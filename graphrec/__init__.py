"""graphrec: which product fits which customer, and why, as arithmetic.

The names below are imported when they are first used, so that `import graphrec` costs nothing.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphrec.app.bank import Bank as Bank
    from graphrec.app.jobs import AskClasses as AskClasses
    from graphrec.app.jobs import AskEscrow as AskEscrow
    from graphrec.app.jobs import AskExposure as AskExposure
    from graphrec.app.jobs import AskFairness as AskFairness
    from graphrec.app.jobs import AskMarket as AskMarket
    from graphrec.app.jobs import AskOffPolicy as AskOffPolicy
    from graphrec.app.jobs import AskOutcomes as AskOutcomes
    from graphrec.app.jobs import AskPortfolio as AskPortfolio
    from graphrec.app.jobs import AskPortfolios as AskPortfolios
    from graphrec.app.jobs import AskQuality as AskQuality
    from graphrec.app.jobs import AskQuery as AskQuery
    from graphrec.app.jobs import AskStability as AskStability
    from graphrec.app.jobs import Backup as Backup
    from graphrec.app.jobs import ChangeRule as ChangeRule
    from graphrec.app.jobs import CheckCases as CheckCases
    from graphrec.app.jobs import CheckModel as CheckModel
    from graphrec.app.jobs import CheckPolicy as CheckPolicy
    from graphrec.app.jobs import CompareModels as CompareModels
    from graphrec.app.jobs import Consume as Consume
    from graphrec.app.jobs import DeliverCampaign as DeliverCampaign
    from graphrec.app.jobs import DiffPolicies as DiffPolicies
    from graphrec.app.jobs import Embed as Embed
    from graphrec.app.jobs import Evaluate as Evaluate
    from graphrec.app.jobs import EvaluateDates as EvaluateDates
    from graphrec.app.jobs import EvaluateExperiments as EvaluateExperiments
    from graphrec.app.jobs import EvaluateNew as EvaluateNew
    from graphrec.app.jobs import EvaluateProfit as EvaluateProfit
    from graphrec.app.jobs import Export as Export
    from graphrec.app.jobs import ExtractTexts as ExtractTexts
    from graphrec.app.jobs import Federate as Federate
    from graphrec.app.jobs import FindDuplicates as FindDuplicates
    from graphrec.app.jobs import FindTopics as FindTopics
    from graphrec.app.jobs import FitClassifier as FitClassifier
    from graphrec.app.jobs import FitResponse as FitResponse
    from graphrec.app.jobs import FitRisk as FitRisk
    from graphrec.app.jobs import Forget as Forget
    from graphrec.app.jobs import InitFile as InitFile
    from graphrec.app.jobs import InitPolicy as InitPolicy
    from graphrec.app.jobs import ListAlerts as ListAlerts
    from graphrec.app.jobs import ListContacts as ListContacts
    from graphrec.app.jobs import ListRecord as ListRecord
    from graphrec.app.jobs import Load as Load
    from graphrec.app.jobs import MakeDemoBank as MakeDemoBank
    from graphrec.app.jobs import MakePortraits as MakePortraits
    from graphrec.app.jobs import MakeReport as MakeReport
    from graphrec.app.jobs import Monitor as Monitor
    from graphrec.app.jobs import PlanCampaign as PlanCampaign
    from graphrec.app.jobs import PlanCover as PlanCover
    from graphrec.app.jobs import PlanLoan as PlanLoan
    from graphrec.app.jobs import ProposeMapping as ProposeMapping
    from graphrec.app.jobs import ProposePortfolio as ProposePortfolio
    from graphrec.app.jobs import PruneRecord as PruneRecord
    from graphrec.app.jobs import Publish as Publish
    from graphrec.app.jobs import PutHold as PutHold
    from graphrec.app.jobs import Refresh as Refresh
    from graphrec.app.jobs import Reidentify as Reidentify
    from graphrec.app.jobs import ReportCampaign as ReportCampaign
    from graphrec.app.jobs import ReportRisk as ReportRisk
    from graphrec.app.jobs import Restore as Restore
    from graphrec.app.jobs import RunAlerts as RunAlerts
    from graphrec.app.jobs import ScoreResponse as ScoreResponse
    from graphrec.app.jobs import ScoreRisk as ScoreRisk
    from graphrec.app.jobs import SetAlert as SetAlert
    from graphrec.app.jobs import SignHead as SignHead
    from graphrec.app.jobs import StopExperiment as StopExperiment
    from graphrec.app.jobs import TakeSnapshot as TakeSnapshot
    from graphrec.app.jobs import TrackModel as TrackModel
    from graphrec.app.jobs import Train as Train
    from graphrec.app.jobs import Tune as Tune
    from graphrec.app.jobs import TuneEncoder as TuneEncoder
    from graphrec.app.jobs import VerifyRecord as VerifyRecord
    from graphrec.app.requests import AboutCustomer as AboutCustomer
    from graphrec.app.requests import AboutProduct as AboutProduct
    from graphrec.app.requests import AskModelCard as AskModelCard
    from graphrec.app.requests import AskPortrait as AskPortrait
    from graphrec.app.requests import AskStatement as AskStatement
    from graphrec.app.requests import Audience as Audience
    from graphrec.app.requests import Decide as Decide
    from graphrec.app.requests import Explain as Explain
    from graphrec.app.requests import Find as Find
    from graphrec.app.requests import PutContest as PutContest
    from graphrec.app.requests import ReadStatement as ReadStatement
    from graphrec.app.requests import Recommend as Recommend
    from graphrec.app.requests import SendEvent as SendEvent
    from graphrec.app.requests import SetStanding as SetStanding
    from graphrec.app.requests import SubjectAccess as SubjectAccess
    from graphrec.app.requests import SwitchModel as SwitchModel
    from graphrec.app.requests import WhatIf as WhatIf
    from graphrec.app.requests import WhyNot as WhyNot
    from graphrec.config.settings import Settings as Settings
    from graphrec.config.settings import read_settings as read_settings
    from graphrec.errors import GraphrecError as GraphrecError
    from graphrec.home import Home as Home
    from graphrec.policy.facts import Occasion as Occasion
    from graphrec.schema import GraphSchema as GraphSchema

# Before torch or numba start their threads: those that wait for work must sleep, not spin. numba and torch share the
# pool, and where other programs keep the cores busy a spinning pool makes training thirty times slower (measured).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__version__ = "0.1.0"

_REQUESTS = (
    "AboutCustomer", "AboutProduct", "AskModelCard", "AskPortrait", "AskStatement", "Audience", "Decide", "Explain",
    "Find", "SetStanding", "PutContest", "ReadStatement", "Recommend", "SendEvent", "SubjectAccess", "SwitchModel",
    "WhatIf", "WhyNot",
)  # fmt: skip
_JOBS = (
    "AskClasses", "AskEscrow", "AskExposure", "AskFairness", "AskMarket", "AskOffPolicy", "AskOutcomes", "AskPortfolio",
    "AskPortfolios", "AskQuality", "AskQuery", "AskStability", "Backup", "CheckModel", "CompareModels", "ChangeRule",
    "CheckPolicy", "Consume", "DeliverCampaign", "DiffPolicies", "Embed", "Evaluate", "EvaluateDates", "EvaluateNew",
    "EvaluateProfit", "Export", "ExtractTexts", "Federate", "FindDuplicates", "FindTopics", "FitClassifier",
    "FitResponse", "FitRisk", "Forget", "InitPolicy", "InitFile", "CheckCases", "EvaluateExperiments", "ListAlerts",
    "ListContacts", "ListRecord", "Load", "MakeDemoBank", "MakePortraits", "MakeReport", "Monitor", "PlanCampaign",
    "PlanCover", "PlanLoan", "ProposeMapping", "PruneRecord", "Publish", "ProposePortfolio", "PutHold", "Refresh",
    "Reidentify", "ReportCampaign", "ReportRisk", "Restore", "RunAlerts", "ScoreResponse", "ScoreRisk", "SetAlert",
    "SignHead", "StopExperiment", "TakeSnapshot", "TrackModel", "Train", "Tune", "TuneEncoder", "VerifyRecord",
)  # fmt: skip
_PUBLIC = {
    "Bank": "graphrec.app.bank",
    **dict.fromkeys(_REQUESTS, "graphrec.app.requests"),
    **dict.fromkeys(_JOBS, "graphrec.app.jobs"),
    "GraphSchema": "graphrec.schema",
    "GraphrecError": "graphrec.errors",
    "Home": "graphrec.home",
    "Occasion": "graphrec.policy.facts",
    "Settings": "graphrec.config.settings",
    "read_settings": "graphrec.config.settings",
}
__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604 - all are texts


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'graphrec' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
