"""experiments.toml as a typed table: what editors complete and `read_experiments` converts."""

from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z][\w-]*$(?!\n)",
        extra={"want": "a plain name of letters, digits, - and _"},
    ),
]
Share = Annotated[float, Meta(ge=0, le=1, extra={"want": "a share, 0 to 1"})]
Types = Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1, extra={"want": "types of events"})]
ACCEPTED, COMPLAINED = ("accepted", "bought"), ("complained",)


class ArmTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[experiment.arm]]`: how the lists of some customers are made; what it leaves out is as without experiment."""

    name: Annotated[Name, Meta(description="Name of the arm, once per experiment.")]
    weight: Annotated[
        Annotated[float, Meta(gt=0, le=5000)], Meta(description="Its part of the experiment's customers.")
    ] = 1.0
    model: Annotated[str | UnsetType, Meta(description="Kind of model, such as ease.")] = UNSET
    k: Annotated[Annotated[int, Meta(ge=1, le=100)] | UnsetType, Meta(description="Length of the list.")] = UNSET
    min_confidence: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | UnsetType, Meta(description="Products below it are left out.")
    ] = UNSET
    prefer: Annotated[
        Literal["recent", "popular", "novel", "diverse"] | UnsetType,
        Meta(description="Which path leads the reasons of a product."),
    ] = UNSET
    plain: Annotated[bool, Meta(description="Order reasons by share alone.")] = False
    drawn: Annotated[bool, Meta(description="Draw the list evenly from what the policy allows.")] = False


class GuardTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[experiment.guard]`: what ends an experiment at once."""

    complaints: Annotated[
        Share | UnsetType,
        Meta(description="The largest share of an arm's customers who may complain within the window."),
    ] = UNSET
    unsuitable: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="How many products that a rule refuses may be shown in an arm.")
    ] = 0


class ExperimentTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[experiment]]`: two arms or more; the first is the control."""

    name: Annotated[Name, Meta(description="Name of the experiment, once per file; it decides who is in which arm.")]
    arm: Annotated[
        tuple[ArmTable, ...],
        Meta(min_length=2, description="The arms; the first is the control.", extra={"want": "two arms or more"}),
    ]
    share: Annotated[Share, Meta(description="Which share of the customers takes part.")] = 1.0
    starts: Annotated[date | UnsetType, Meta(description="The first day.")] = UNSET
    ends: Annotated[date | UnsetType, Meta(description="The day from which all get the usual lists again.")] = UNSET
    window_days: Annotated[
        Annotated[float, Meta(gt=0, le=730)], Meta(description="Days after the first list in which an event counts.")
    ] = 30.0
    alpha: Annotated[
        Annotated[float, Meta(gt=0, lt=0.5)], Meta(description="Probability of finding a difference where none is.")
    ] = 0.05
    success: Annotated[Types, Meta(description="Types of events that count as success.")] = ACCEPTED
    most_customers: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType, Meta(description="Stop once so many customers have been followed.")
    ] = UNSET
    guard: Annotated[GuardTable, Meta(description="What ends the experiment at once.")] = GuardTable()


class HoldoutTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[holdout]`: customers with lists that are drawn evenly, to compare all others with; none by default."""

    share: Annotated[Share, Meta(description="Which share of the customers.")] = 0.0


class ExploreTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[explore]`: lists in which one place is drawn; none by default."""

    share: Annotated[Share, Meta(description="Which share of the lists of a day.")] = 0.0
    pool: Annotated[
        Annotated[int, Meta(ge=1, le=200)], Meta(description="How many products behind the list may be drawn.")
    ] = 10


class ExperimentsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """experiments.toml: who gets another list, so that lists can be compared."""

    holdout: Annotated[HoldoutTable, Meta(description="A control that is drawn evenly.")] = HoldoutTable()
    explore: Annotated[ExploreTable, Meta(description="A share of lists with one drawn place.")] = ExploreTable()
    experiment: Annotated[tuple[ExperimentTable, ...], Meta(description="The experiments.")] = ()
