"""Ranking losses over products: full softmax, sampled softmax, BPR."""

import torch
from torch import Tensor
from torch.nn import functional


def full_softmax(scores: Tensor, rows: Tensor, products: Tensor) -> Tensor:
    """The mean of -log softmax of the targets among all products.

        L = -1/|T| sum over targets (u, i): s_ui - log sum over products j: exp s_uj

    T = pairs (rows, products); s (num_rows, num_products) holds -inf for what is no candidate.

    >>> s = torch.tensor([[0.0, 0.0, 0.0, -float("inf")]])
    >>> round(full_softmax(s, torch.tensor([0]), torch.tensor([1])).item(), 4)  # log 3
    1.0986
    """
    return (torch.logsumexp(scores, 1)[rows] - scores[rows, products]).mean()


def sampled_softmax(target: Tensor, sampled: Tensor, log_expected: Tensor) -> Tensor:
    """The mean of -log softmax of each target among itself and a sample, corrected for how it was drawn.

        L = -1/|T| sum over t: s_t - log(exp s_t + sum over samples j: exp(s_tj - log E_j))

    target (num_targets,) = s_t; sampled (num_targets, num_samples) = s_tj, -inf for what the user holds;
    log_expected (num_samples,) = log E_j, E_j = expected number of times j is drawn. The sum over the samples is then
    an unbiased estimate of the sum over all products. Source: Bengio and Senecal, IEEE TNN 2008 (logQ correction).

    >>> s = torch.zeros(1)
    >>> every = torch.zeros(1, 2)  # both other products, each drawn once: the full softmax over three
    >>> round(sampled_softmax(s, every, torch.zeros(2)).item(), 4)
    1.0986
    """
    candidates = torch.cat([target[:, None], sampled - log_expected], dim=1)
    return (torch.logsumexp(candidates, 1) - target).mean()


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """The mean of -log sigmoid(s_ui - s_uj) over pairs of a target i and a product j that the user does not hold.

    Source: Rendle et al., UAI 2009, eq. 4 without its regulariser.

    >>> round(bpr(torch.tensor([1.0]), torch.tensor([1.0])).item(), 4)  # log 2
    0.6931
    """
    return functional.softplus(negative - positive).mean()
