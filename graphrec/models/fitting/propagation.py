"""One hop of messages: the sum over each receiver's neighbours, two ways that agree."""

import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graphrec.graph.edges.adjacency import Adjacency


def gather_sum(adjacency: Adjacency, sent: Tensor) -> Tensor:
    """The sum of the senders' rows (num_receivers, width), as a bag of embeddings: quick for a user's own edges."""
    indices = torch.from_numpy(np.asarray(adjacency.indices, np.int64)).to(sent.device)
    starts = torch.from_numpy(np.asarray(adjacency.indptr[:-1], np.int64)).to(sent.device)
    return functional.embedding_bag(indices, sent, starts, mode="sum")


def propagate_sum(adjacency: Adjacency, sent: Tensor) -> Tensor:
    """The same sum by PyTorch Geometric's message passing, for propagation over whole graphs."""
    num_receivers = len(adjacency.indptr) - 1
    receivers = np.repeat(np.arange(num_receivers), adjacency.degrees())
    edges = torch.from_numpy(np.stack([np.asarray(adjacency.indices, np.int64), receivers])).to(sent.device)
    empty = sent.new_zeros((num_receivers, sent.shape[1]))
    result: Tensor = _convolution()((sent, empty), edges)
    return result


@cache
def _convolution() -> Any:
    with warnings.catch_warnings():
        # It uses torch.jit, which torch has deprecated; and it takes seconds to import, so only who needs it waits.
        warnings.simplefilter("ignore")
        from torch_geometric.nn import SimpleConv

    return SimpleConv(aggr="sum")


def as_array(values: Tensor) -> NDArray[np.float32]:
    """A copy of the values of a tensor, which training does not change any more, row by row in memory."""
    return np.array(values.detach().cpu().numpy(), np.float32, order="C")


class SparsePair:
    """A fixed sparse matrix and its transpose as functions of dense ones, each the gradient of the other."""

    def __init__(self, matrix: Any) -> None:
        self._there, self._back = _sparse(matrix), _sparse(matrix.T.tocsr())

    def __call__(self, rows: Tensor) -> Tensor:
        """M @ rows."""
        self._follow(rows)
        result: Tensor = _Product.apply(rows, self._there, self._back)
        return result

    def back(self, rows: Tensor) -> Tensor:
        """M^T @ rows."""
        self._follow(rows)
        result: Tensor = _Product.apply(rows, self._back, self._there)
        return result

    def _follow(self, rows: Tensor) -> None:
        """Move to where the vectors are."""
        if self._there.device != rows.device:
            self._there, self._back = self._there.to(rows.device), self._back.to(rows.device)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, there: Tensor, back: Tensor) -> Tensor:
        ctx.back = back
        return there @ rows

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.back @ gradients[0].contiguous(), None, None


def _sparse(matrix: Any) -> Tensor:
    with warnings.catch_warnings():
        # It says that sparse tensors are in beta.
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
        )
