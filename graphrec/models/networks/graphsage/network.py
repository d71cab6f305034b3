"""Heterogeneous GraphSAGE for link prediction: learned here with torch, served with numpy (terms/sage.py).

A node starts as its own vector plus its projected text; all users start from one vector, so that nothing is learned
about a person. A step hides its targets and samples at most `fanout` neighbours per node and relation from what is
left; the served network has one fixed sample of that size. With `min_group` above 1 products receive nothing from
customers, and a step has a row per target (fitting/steps.py). Sources: Hamilton et al., NeurIPS 2017; relations as in
PyTorch Geometric's HeteroConv.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.content.text import mean_text
from graphrec.models.fitting.config import Loss
from graphrec.models.fitting.loop import Trained, fit
from graphrec.models.fitting.objective import Vectors, ranking_loss
from graphrec.models.fitting.parts import Learning, Recipe
from graphrec.models.fitting.propagation import as_array
from graphrec.models.fitting.steps import Step, StepSource
from graphrec.models.inputs import Inputs
from graphrec.models.networks.graphsage import GraphSageConfig
from graphrec.models.networks.graphsage.sampling import Block, fixed_sample, sampled_block
from graphrec.models.networks.lightgcn.network import message_hops
from graphrec.models.support import nothing_to_learn, supported
from graphrec.terms.forms.factors import Own, centred, with_rows
from graphrec.terms.sage.network import SageLayer, SageNetwork, means
from graphrec.terms.sage.term import SageTerm

#: "auto" scores every product in every step for catalogues up to this size.
FULL_SOFTMAX_PRODUCTS = 2_000


class HeteroSAGE(nn.Module):
    """Inputs and two layers."""

    known: Tensor
    name = "graphsage"

    def __init__(self, graph: Graph, blocks: Blocks, config: GraphSageConfig) -> None:
        super().__init__()
        left = supported(graph)
        self.graph = graph = left.graph
        self.config, self.blocks = config, blocks
        self.other = {graph.target(hop): places for hop, places in left.other.items()}
        texts = blocks.matrices("text")
        self.hops = message_hops(graph, config.use_protected)
        roles = graph.schema.roles
        named = {graph.source(hop) for hop in self.hops} | {graph.target(hop) for hop in self.hops}
        self.labels = sorted(named | {roles.user, roles.product})
        generator = torch.Generator().manual_seed(config.seed)
        self.ids = nn.ParameterList(
            nn.Parameter(config.init * torch.randn(*seen.shape, config.dim, generator=generator) * seen[:, None])
            for seen in (torch.from_numpy(self._linked(label)) for label in self.labels)
        )
        self.texts = {label: centred(texts[label], mean_text(texts[label])) for label in self.labels if label in texts}
        if self.texts:
            width = next(iter(self.texts.values())).shape[1]
            self.project = nn.Parameter(torch.randn(width, config.dim, generator=generator) * config.init)
        self.layers = nn.ModuleList(_Layer(graph, self.labels, self.hops, config.dim, generator) for _ in range(2))
        self.sample, self.order = fixed_sample(graph, self.hops, config.fanout, config.seed)
        held = np.bincount(graph.held().indices, minlength=graph.num_products)
        self.register_buffer("known", torch.from_numpy(held > 0), persistent=False)
        full = config.loss == "full" or (config.loss == "auto" and graph.num_products <= FULL_SOFTMAX_PRODUCTS)
        self.loss: Loss = "full" if full else "in-batch"

    def _linked(self, label: str) -> NDArray[np.bool_]:
        """Which nodes of a label have a neighbour: what is linked with nothing has no vector of its own."""
        if label == self.graph.schema.roles.user:
            return np.ones(1, np.bool_)
        linked = np.zeros(self.graph.counts[label], np.bool_)
        for hop in (*self.hops, *(hop.back() for hop in self.hops)):
            if self.graph.source(hop) == label:
                linked |= self.graph.hops[hop].degrees() > 0
        return linked

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Node vectors with weight decay, everything else without."""
        rest = [*self.layers.parameters(), *([self.project] if self.texts else [])]
        decay = self.config.regularization
        return [{"params": list(self.ids), "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]

    def forward(self, step: Step, rng: np.random.Generator) -> Vectors:
        """z of the step's users and of all products; with the in-batch loss 0 for products that are no targets."""
        roles = self.graph.schema.roles
        wanted = np.arange(self.graph.num_products) if self.loss == "full" else np.unique(step.targets.products)
        assert step.whole is not None, "steps carry the graph that is left"
        users = step.users.astype(np.int64)
        whole = step.whole
        if self.graph.schema.roles.min_group > 1:
            # No node receives from a user, so that the rows of the step stand for its users.
            users, whole = np.arange(len(users)), {**step.whole, **step.kept}
        roots = {roles.user: users, roles.product: wanted.astype(np.int64)}
        block = sampled_block(self.graph, whole, self.hops, roots, self.config.fanout, rng)
        vectors = self.encode(block, step.users if self.graph.schema.roles.min_group > 1 else None)
        found = vectors[roles.product]
        products = found.new_zeros(self.graph.num_products, self.config.dim)
        return vectors[roles.user], products.index_copy(
            0, torch.from_numpy(roots[roles.product]).to(found.device), found
        )

    def encode(self, block: Block, users: NDArray[np.int32] | None = None) -> dict[str, Tensor]:
        """z of the roots of a block, by label; `users` are those that its nodes stand for, where they are rows."""
        nodes = dict(block.nodes)
        if users is not None:
            user = self.graph.schema.roles.user
            nodes[user] = users[nodes[user]].astype(np.int64)
        inputs = {label: self.input(label, places) for label, places in nodes.items()}
        hidden = {label: rows.relu() for label, rows in self.layers[0](inputs, block.first).items()}
        vectors = self.layers[1](hidden, block.second)
        return {
            label: vectors[label][torch.from_numpy(rows).to(vectors[label].device)]
            for label, rows in block.roots.items()
        }

    def input(self, label: str, nodes: NDArray[np.int64]) -> Tensor:
        """x of some nodes (len(nodes), dim)."""
        own = self.ids[self.labels.index(label)]
        rows = nodes if len(own) > 1 else np.zeros(len(nodes), np.int64)
        if label in self.other:
            rows = self.other[label][rows].astype(np.int64)
        found: Tensor = own[torch.from_numpy(rows).to(own.device)]
        if label in self.texts:
            found = found + torch.from_numpy(self.texts[label][nodes]).to(own.device) @ self.project
        return found

    def term(self, graph: Graph) -> SageTerm:
        """The term of the present state."""
        roles = graph.schema.roles
        with torch.no_grad():
            inputs = {
                label: as_array(
                    self.ids[position] if label == roles.user else self.input(label, np.arange(graph.counts[label]))
                )
                for position, label in enumerate(self.labels)
            }
            first, second = (layer.weights() for layer in self.layers)  # type: ignore[operator]
        own = project = None
        block = next((one for one in self.blocks if (one.name, one.label) == ("text", roles.user)), None)
        if block is not None:
            graph = with_rows(graph, block.digest, block.matrix)
            own, project = Own(block.digest, mean_text(block.matrix), unit=True), as_array(self.project)
        sampled = {hop: edges for hop, edges in self.sample.items() if roles.user not in self._ends(hop)}
        network = SageNetwork(inputs, sampled, first, second, self.order, self.config.fanout, own, project)
        network = self._with_users(network, replace(self.graph, blocks=graph.blocks))
        everything = np.arange(graph.num_products)
        products = network.vectors(graph, roles.product, everything).astype(np.float32)
        return SageTerm(graph, network, products)

    def _ends(self, hop: Hop) -> tuple[str, str]:
        return self.graph.source(hop), self.graph.target(hop)

    def _with_users(self, network: SageNetwork, graph: Graph) -> SageNetwork:
        """The network with what users send, layer by layer."""
        user = graph.schema.roles.user
        hops = [hop for hop in self.hops if graph.target(hop) == user]
        if not hops:
            return network
        everyone = np.arange(graph.num_users, dtype=np.int32)
        layers = []
        for layer, sent in (
            (network.first, network.input(graph, user, everyone)),
            (network.second, network.hidden(graph, user, everyone)),
        ):
            of_users: dict[str, NDArray[np.float32]] = {}
            for hop in hops:
                label, nodes = graph.source(hop), np.arange(graph.counts[graph.source(hop)])
                rows, senders = self.sample[hop].expand(nodes)
                received = (means(sent[senders], rows, len(nodes)) @ layer.message[hop]).astype(np.float32)
                of_users[label] = of_users[label] + received if label in of_users else received
            layers.append(replace(layer, of_users=of_users))
        return replace(network, first=layers[0], second=layers[1])


class _Layer(nn.Module):
    """A node's own part, and the mean of its neighbours' over each relation: SAGEConv in a HeteroConv."""

    def __init__(self, graph: Graph, labels: list[str], hops: list[Hop], dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.labels, self.hops = labels, hops
        self.ends = {hop: (labels.index(graph.target(hop)), labels.index(graph.source(hop))) for hop in hops}
        self.own = nn.ModuleList(nn.Linear(dim, dim) for _ in labels)
        with warnings.catch_warnings():
            # It uses torch.jit, which torch has deprecated, and warns of labels that receive nothing; and it takes
            # seconds to import, so only who needs it waits.
            warnings.simplefilter("ignore")
            from torch_geometric.nn import HeteroConv, SAGEConv

            convolutions = {
                self._edge(hop): SAGEConv((dim, dim), dim, aggr="mean", root_weight=False, bias=False) for hop in hops
            }
            self.messages = HeteroConv(convolutions, aggr="sum") if hops else None  # pyright: ignore[reportArgumentType]
        for parameter in self.parameters():
            # Drawn from the generator of the seed, not from the global one.
            with torch.no_grad():
                parameter.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) / dim**0.5)

    def forward(self, inputs: Mapping[str, Tensor], edges: Mapping[Hop, NDArray[np.int64]]) -> dict[str, Tensor]:
        """The rows of every label of the inputs."""
        total = {label: self.own[self.labels.index(label)](rows) for label, rows in inputs.items()}
        if self.messages is None or not edges:
            return total
        present = next(iter(inputs.values())).device
        arrived = self.messages(
            {str(self.labels.index(label)): rows for label, rows in inputs.items()},
            {self._edge(hop): torch.from_numpy(pairs).to(present) for hop, pairs in edges.items()},
        )
        return {
            label: rows + arrived[key] if (key := str(self.labels.index(label))) in arrived else rows
            for label, rows in total.items()
        }

    def weights(self) -> SageLayer:
        """The weights as arrays."""
        own = {label: as_array(layer.weight.T) for label, layer in zip(self.labels, self.own, strict=True)}  # type: ignore[arg-type]
        bias = {label: as_array(layer.bias) for label, layer in zip(self.labels, self.own, strict=True)}  # type: ignore[arg-type]
        message = {}
        for hop in self.hops:
            assert self.messages is not None, "there are hops"
            weight: Any = self.messages.convs[self._edge(hop)].lin_l.weight
            message[hop] = as_array(weight.T)
        return SageLayer(own, bias, message)

    def _edge(self, hop: Hop) -> tuple[str, str, str]:
        """The hop as PyTorch Geometric names an edge type; labels may hold signs that it takes for its own."""
        sender, receiver = self.ends[hop]
        return str(sender), f"r{self.hops.index(hop)}", str(receiver)


def fit_graphsage(
    graph: Graph, config: GraphSageConfig | None = None, inputs: Inputs | None = None
) -> Trained[SageTerm]:
    """The trained term; with `inputs.evaluate` (higher is better) the state of its best epoch.

    Args:
        graph: what may be seen.
        config: of the network.
        inputs: text vectors in the block `text`, device and callbacks.

    Returns:
        The term, its epochs, losses and values.

    Raises:
        ModelError: nobody holds anything, the loss is not offered or not a number.
    """
    config, inputs = config or GraphSageConfig(), inputs or Inputs()
    if config.loss not in ("auto", "full", "in-batch"):
        raise ModelError(f"graphsage is trained with loss auto, full or in-batch, not with {config.loss!r}")
    return fit(Recipe(learning_graphsage, graph, config, inputs.blocks), inputs)


def learning_graphsage(graph: Graph, config: GraphSageConfig, blocks: Blocks, device: str) -> Learning[SageTerm]:
    """The network in its first state, with what it learns from."""
    network = HeteroSAGE(graph, blocks, config).to(device)
    source = StepSource(network.graph, network.hops, config.drop, min_held=config.min_held, whole=True)
    if not len(source.learners):
        raise nothing_to_learn("graphsage", graph, "no user holds a product")

    def loss(step: Step, rng: np.random.Generator) -> Tensor:
        vectors = network(step, rng)
        return ranking_loss(vectors, network.known, network.loss, step, source.holdings, config, rng)

    return Learning(network, source.learners, source.draw, loss)
