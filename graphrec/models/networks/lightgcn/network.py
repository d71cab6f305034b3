"""The network of the item-only relational LightGCN: layer 0, relation weights and the propagation.

    E = sum over k = 0..K: alpha_k Ah^k E0,  e0 of users = 0,  alpha_k = 1 / (K + 1)
    Ah[x, y] = g_r c_r(x) c_r(y) for a message from y to x over relation r, g_r > 0 learned per relation and direction
    H_1 = alpha_1 E0 + Ah H_2 ...,  s(u, i) = <sum over neighbours a of u: Ah[u, a] H_1[a], E_i>

Layer 0 of every other node is its projected text beside its own vector, so that shares split into text and learned
part. Degrees are by relation: a sender has c_r(y) = (deg_r(y) / mean)^-1/2 (a user's own neighbours: to the `power` of
the configuration), a receiver deg_r(x)^-1/2. A user has (number of neighbours + 1)^-1/2 over all relations, a constant
of the user that serving leaves out, since a term is divided by its spread. Source: He et al., SIGIR 2020; item-only and
suffix tables: docs/formulas.md.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.models.content.text import mean_text
from graphrec.models.fitting.loop import Trained, fit
from graphrec.models.fitting.objective import Noise, Vectors, step_loss
from graphrec.models.fitting.parts import Learning, Recipe
from graphrec.models.fitting.propagation import as_array, gather_sum, propagate_sum
from graphrec.models.fitting.steps import Step, StepSource
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import inverse_power
from graphrec.models.networks.lightgcn import LightGCNConfig
from graphrec.models.support import nothing_to_learn, supported
from graphrec.terms.forms.factors import FactorTerm, Neighbours, centred

Texts = Mapping[str, NDArray[np.float32]]
"""Text vectors (num_nodes, dim) by label."""


class ItemGCN(nn.Module):
    """Layer 0, relation weights and the propagation.

    Raises:
        ModelError: contrast leaves out layer 0, and with one layer a product has no other.
    """

    known: Tensor
    name = "lightgcn"

    def __init__(self, graph: Graph, texts: Texts, config: LightGCNConfig) -> None:
        super().__init__()
        if config.contrast and config.num_layers == 1:
            raise ModelError(
                "lightgcn with contrast leaves out layer 0, and num_layers = 1 leaves a product nothing else; "
                "train with num_layers = 2 or more"
            )
        roles = graph.schema.roles
        self.user, self.product = roles.user, roles.product
        self.num_layers, self.num_users = config.num_layers, graph.num_users
        self.alphas = config.layer_weights(config.num_layers)
        self.regularization = config.regularization
        self.hops = message_hops(graph, config.use_protected)
        self.ends = {hop: (graph.source(hop), graph.target(hop)) for hop in self.hops}
        self.graph_hops = {hop: graph.hops[hop] for hop in self.hops}
        labels = {self.product, *(label for ends in self.ends.values() for label in ends)} - {self.user}
        self.labels = sorted(labels)
        # Where users send nothing, no step has what they receive for the whole graph.
        self.senders = [*self.labels, *({self.user} & {sender for _, sender in self.ends.values()})]
        generator = torch.Generator().manual_seed(config.seed)
        self.ids = nn.ParameterList(
            nn.Parameter(config.init * torch.randn(graph.counts[label], config.dim, generator=generator))
            for label in self.labels
        )
        self.everyone = nn.Parameter(torch.zeros(config.dim))
        self.log_weights = nn.Parameter(torch.zeros(len(self.hops)))
        self._set_texts(texts, config, generator)
        self._set_degrees(graph, config.power)

    def _set_texts(self, texts: Texts, config: LightGCNConfig, generator: torch.Generator) -> None:
        present = {label: texts[label] for label in self.labels if label in texts}
        self.text_dim = config.text_dim if present else 0
        for position, label in enumerate(self.labels):
            if label in present:
                vectors = centred(present[label], mean_text(present[label]))
                self._keep(f"text{position}", vectors)
        if present:
            width = next(iter(present.values())).shape[1]
            # Random directions of this length keep the cosines of the texts, so that an untrained projection ranks too.
            self.project = nn.Parameter(torch.randn(width, config.text_dim, generator=generator) / config.text_dim**0.5)

    def _set_degrees(self, graph: Graph, power: float) -> None:
        """c_r of senders and receivers, and which nodes a user touches or (entities) anything does."""
        seen = {label: np.zeros(graph.counts[label], np.bool_) for label in self.labels}
        for position, hop in enumerate(self.hops):
            receiver, sender = self.ends[hop]
            arriving = graph.hops[hop.back()].degrees()
            if receiver == self.user:
                scale, own = _user_scale(graph, self.hops), _relative(arriving, power, graph.schema.roles.min_group)
            else:
                scale, own = inverse_power(graph.hops[hop].degrees(), 0.5), _relative(arriving, 0.5)
            self._keep(f"receive{position}", scale[:, None].astype(np.float32))
            self._keep(f"send{position}", own[:, None].astype(np.float32))
            if sender != self.user and (receiver == self.user or sender != self.product):
                seen[sender] |= arriving > 0
        for position, label in enumerate(self.labels):
            self._keep(f"seen{position}", seen[label][:, None].astype(np.float32))
        self._keep("known", seen[self.product])

    def _keep(self, name: str, values: NDArray[np.float32] | NDArray[np.bool_]) -> None:
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def parameter_groups(self) -> list[dict[str, object]]:
        """Node vectors with weight decay, everything else without."""
        vectors = [*self.ids, self.everyone]
        rest = [self.log_weights, *([self.project] if self.text_dim else [])]
        return [{"params": vectors, "weight_decay": self.regularization}, {"params": rest, "weight_decay": 0.0}]

    def layer0(self) -> dict[str, Tensor]:
        """E0 of every label but the users (num_nodes, text_dim + dim); a node without edges has its text alone."""
        layers = {}
        for position, label in enumerate(self.labels):
            own = self.ids[position] * self._buffer("seen", position)
            if self.text_dim:
                vectors = getattr(self, f"text{position}", None)
                text = own.new_zeros(len(own), self.text_dim) if vectors is None else vectors @ self.project
                own = torch.cat([text, own], dim=1)
            layers[label] = own
        return layers

    def forward(self, step: Step, noise: Noise | None = None) -> Vectors:
        """The vectors of the step's users (num_rows, width) and of all products, without what the step hides."""
        layers = self.layer0()
        whole = step.whole if step.whole is not None else self.graph_hops
        first = self.suffix(layers, whole, noise)
        products = self._receive(self.product, self.alphas[0], layers, first, whole)
        users = self._everyone().expand(len(step.users), -1)
        count = torch.ones(len(step.users), 1, device=products.device)
        for position, hop in enumerate(self.hops):
            if hop in step.kept:
                users = users + gather_sum(step.kept[hop], self._sent(position, first))
                count += torch.from_numpy(step.kept[hop].degrees()[:, None]).to(count)
        users = users / count.sqrt()
        return (users, products) if noise is None else (noise(users), noise(products))

    def suffix(
        self, layers: Mapping[str, Tensor], hops: Mapping[Hop, Adjacency], noise: Noise | None = None
    ) -> dict[str, Tensor]:
        """H_1 of every label: what a first hop brings (of users too when there are more layers and they send)."""
        suffix = {label: self.alphas[-1] * layer for label, layer in layers.items()}
        for alpha in self.alphas[-2:0:-1]:
            suffix = {label: self._receive(label, alpha, layers, suffix, hops) for label in self.senders}
            if noise is not None:
                suffix = {label: noise(rows) for label, rows in suffix.items()}
        return suffix

    def term(self, graph: Graph) -> FactorTerm:
        """The term of the present state."""
        with torch.no_grad():
            layers = self.layer0()
            first = self.suffix(layers, self.graph_hops)
            right = as_array(self._receive(self.product, self.alphas[0], layers, first, self.graph_hops))
            neighbours = [
                Neighbours(hop, self._left(graph, hop, as_array(self._sent(position, first))))
                for position, hop in enumerate(self.hops)
                if self.ends[hop][0] == self.user
            ]
            everyone = Neighbours(None, as_array(self._everyone()[None, :]))
        return FactorTerm(self.name, graph, [*neighbours, everyone], right, text_dim=self.text_dim)

    def _left(self, graph: Graph, hop: Hop, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows of a user's neighbours: rare attribute nodes keep their texts and learn as "other"."""
        rows[:, self.text_dim :] = supported(graph).rows(hop, rows[:, self.text_dim :])
        return rows

    def _receive(
        self,
        label: str,
        alpha: float,
        layers: Mapping[str, Tensor],
        suffix: Mapping[str, Tensor],
        hops: Mapping[Hop, Adjacency],
    ) -> Tensor:
        """alpha E0 + Ah H of one label: the next suffix table."""
        width = self.text_dim + self.everyone.shape[0]
        num_nodes = self.num_users if label == self.user else len(layers[label])
        total = alpha * layers[label] if label in layers else self.everyone.new_zeros(num_nodes, width)
        for position, hop in enumerate(self.hops):
            receiver, sender = self.ends[hop]
            if receiver == label and sender in suffix:
                gather = gather_sum if self.num_layers == 1 else propagate_sum
                total = total + self._buffer("receive", position) * gather(hops[hop], self._sent(position, suffix))
        return total

    def _sent(self, position: int, suffix: Mapping[str, Tensor]) -> Tensor:
        """g_r c_r(y) H[y] of the senders of a relation."""
        sender = self.ends[self.hops[position]][1]
        return self.log_weights[position].exp() * self._buffer("send", position) * suffix[sender]

    def _everyone(self) -> Tensor:
        return torch.cat([self.everyone.new_zeros(self.text_dim), self.everyone])

    def _buffer(self, kind: str, position: int) -> Tensor:
        buffer: Tensor = getattr(self, f"{kind}{position}")
        return buffer


def message_hops(graph: Graph, use_protected: bool) -> list[Hop]:
    """The hops (from receiver to sender) that carry messages: evidence and relations between nodes that are no users.

    Edges between two users carry none: a user has no vector. With `min_group` above 1 users send none: what a product
    receives from its holders joins products that too few hold together.
    """
    roles = graph.schema.roles
    evidence = set(roles.evidence())
    found = []
    for hop in sorted(graph.hops, key=str):
        edge = graph.schema.edges[hop.type]
        allowed = use_protected or not edge.protected
        # Of what nearly nobody shares, such as transactions of one customer, no edge is left.
        speaks = hop.type in evidence or (hop.type not in roles.interactions and len(graph.hops[hop].indices) > 0)
        from_users = roles.min_group > 1 and graph.target(hop) == roles.user
        if allowed and speaks and not from_users and not edge.source == edge.target == roles.user:
            found.append(hop)
    return found


def _user_scale(graph: Graph, hops: list[Hop]) -> NDArray[np.float64]:
    """(number of neighbours + 1) ** -1/2 of every user (num_users,)."""
    count = np.ones(graph.num_users)
    for hop in hops:
        if graph.source(hop) == graph.schema.roles.user:
            count += graph.hops[hop].degrees()
    return inverse_power(count, 0.5)


def _relative(degrees: NDArray[np.int64], power: float, least: int = 1) -> NDArray[np.float64]:
    """(degree / mean degree) ** -power (num_nodes,), 0 without edges; those of fewer than `least` count as `least`."""
    present = degrees > 0
    mean = float(degrees[present].mean()) if present.any() else 1.0
    speaks = present if least <= 1 else np.ones_like(present)
    return np.where(speaks, inverse_power(np.maximum(degrees, least) / mean, power), 0.0)


def fit_lightgcn(
    graph: Graph, config: LightGCNConfig | None = None, inputs: Inputs | None = None
) -> Trained[FactorTerm]:
    """The trained term; with `inputs.evaluate` (higher is better) the state of its best epoch.

    Every step hides its targets: a share of each user's holdings carries no message in the step that predicts it
    (docs/formulas.md).

    Args:
        graph: what may be seen.
        config: of the network.
        inputs: text vectors in the block `text`, device and callbacks.

    Returns:
        The term, its epochs, losses and values.

    Raises:
        ModelError: nobody holds anything, or the loss is not a number.
    """
    config, inputs = config or LightGCNConfig(), inputs or Inputs()
    return fit(Recipe(learning_lightgcn, graph, config, inputs.blocks), inputs)


def learning_lightgcn(graph: Graph, config: LightGCNConfig, blocks: Blocks, device: str) -> Learning[FactorTerm]:
    """The network in its first state, with what it learns from."""
    seen = supported(graph).graph
    network = ItemGCN(seen, blocks.matrices("text"), config).to(device)
    source = StepSource(seen, network.hops, config.drop, min_held=config.min_held, whole=config.num_layers > 1)
    if not len(source.learners):
        raise nothing_to_learn("lightgcn", graph, "no user holds a product")

    def loss(step: Step, rng: np.random.Generator) -> Tensor:
        return step_loss(network, step, source.holdings, config, rng)

    return Learning(network, source.learners, source.draw, loss)
