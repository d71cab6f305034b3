"""Ranking losses over products (full softmax, sampled softmax, BPR) and the contrast of two views."""

import torch
from torch import Tensor
from torch.nn import functional

NO_MASS = -1e30


def full_softmax(scores: Tensor, rows: Tensor, products: Tensor) -> Tensor:
    """The mean of -log softmax of the targets among all products.

        L = -1/|T| sum over targets (u, i): s_ui - log sum over products j: exp s_uj

    T = pairs (rows, products); s (num_rows, num_products) holds -inf for what is no candidate.

    >>> s = torch.tensor([[0.0, 0.0, 0.0, -float("inf")]])
    >>> round(full_softmax(s, torch.tensor([0]), torch.tensor([1])).item(), 4)  # log 3
    1.0986
    """
    return (torch.logsumexp(scores, 1)[rows] - scores[rows, products]).mean()


def sampled_softmax(target: Tensor, rows: Tensor, sampled: Tensor, log_expected: Tensor) -> Tensor:
    """The mean of -log softmax of each target among itself and a sample, corrected for how it was drawn.

        L = -1/|T| sum over t: s_t - log(exp s_t + sum over samples j: exp(s_rj - log E_j))

    target (num_targets,) = s_t; rows (num_targets,) = r, the row of each; sampled (num_rows, num_samples) = s_rj, -inf
    for what the user holds; log_expected (num_samples,) = log E_j, E_j = expected number of times j is drawn. The sum
    over the samples is then an unbiased estimate of the sum over all products. Source: Bengio and Senecal, IEEE TNN
    2008 (logQ correction); with the targets of the batch as samples Yi et al., RecSys 2019.

    >>> s = torch.zeros(1)
    >>> every = torch.zeros(1, 2)  # both other products, each drawn once: the full softmax over three
    >>> round(sampled_softmax(s, torch.tensor([0]), every, torch.zeros(2)).item(), 4)
    1.0986
    """
    # A finite floor: the gradient of a sum over nothing but -inf is no number.
    mass = torch.logsumexp((sampled - log_expected).clamp_min(NO_MASS), 1)
    return (torch.logaddexp(target, mass[rows]) - target).mean()


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """The mean of -log sigmoid(s_ui - s_uj) over pairs of a target i and a product j that the user does not hold.

    Source: Rendle et al., UAI 2009, eq. 4 without its regulariser.

    >>> round(bpr(torch.tensor([1.0]), torch.tensor([1.0])).item(), 4)  # log 2
    0.6931
    """
    return functional.softplus(negative - positive).mean()


def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The mean of -log softmax of a node's second view among the second views of all nodes.

        L = -1/n sum over x: cos(x', x'') / t - log sum over y: exp(cos(x', y'') / t)

    first, second (n, dim) = x', x''. Source: Yu et al., SimGCL (SIGIR 2022) and XSimGCL (TKDE 2023).

    >>> views = torch.eye(2)  # its own view at cosine 1, the other at 0
    >>> round(info_nce(views, views, 1.0).item(), 4)  # log(1 + 1/e)
    0.3133
    """
    likeness = functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T / temperature
    return functional.cross_entropy(likeness, torch.arange(len(first), device=first.device))
