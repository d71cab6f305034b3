"""Mass of walks and its gradients by the weights of their nodes, compiled; the walks of the user and back are left out.

Everywhere: a row per user of a batch; kept (ptr, idx, weight) = first hops that are left to users, weight empty where
all are 1; first, middle (nodes,) = the weights of hops 1 and 2; mass (rows, num_products) before the last weight;
g (rows, num_products) = gradient of the loss by the mass; gradients (threads, nodes), one row per thread.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def contains(row, value):  # type: ignore[no-untyped-def]
    """Whether a sorted row holds a value."""
    place = np.searchsorted(row, value)
    return place < len(row) and row[place] == value


@numba.njit(parallel=True, cache=True)
def direct_mass(users, ptr, idx, weight, mass):  # type: ignore[no-untyped-def]
    """One hop."""
    for r in numba.prange(len(users)):
        for p in range(ptr[users[r]], ptr[users[r] + 1]):
            mass[r, idx[p]] += weight[p] if len(weight) else 1.0


@numba.njit(parallel=True, cache=True)
def linked_mass(users, ptr, idx, weight, first, step_ptr, step_idx, mass):  # type: ignore[no-untyped-def]
    """Two hops."""
    for r in numba.prange(len(users)):
        for p in range(ptr[users[r]], ptr[users[r] + 1]):
            a = idx[p]
            value = (weight[p] if len(weight) else 1.0) * first[a]
            for q in range(step_ptr[a], step_ptr[a + 1]):
                mass[r, step_idx[q]] += value


@numba.njit(parallel=True, cache=True)
def linked_gradients(users, ptr, idx, weight, first, step_ptr, step_idx, g, gradients):  # type: ignore[no-untyped-def]
    """Two hops: by the logarithm of the first weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        for r in range(t, len(users), threads):
            for p in range(ptr[users[r]], ptr[users[r] + 1]):
                a = idx[p]
                pull = 0.0
                for q in range(step_ptr[a], step_ptr[a + 1]):
                    pull += g[r, step_idx[q]]
                gradients[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * pull


@numba.njit(cache=True)
def _gather(u, ptr, idx, weight, first, step_ptr, step_idx, skip, arrived, touched):  # type: ignore[no-untyped-def]
    """What arrives at the nodes after hop 2; the number of nodes reached."""
    count = 0
    for p in range(ptr[u], ptr[u + 1]):
        a = idx[p]
        value = (weight[p] if len(weight) else 1.0) * first[a]
        for q in range(step_ptr[a], step_ptr[a + 1]):
            v = step_idx[q]
            if v == skip:
                continue
            if arrived[v] == 0.0:
                touched[count] = v
                count += 1
            arrived[v] += value
    return count


@numba.njit(parallel=True, cache=True)
def chained_mass(  # type: ignore[no-untyped-def]
    users, ptr, idx, weight, first, step_ptr, step_idx, middle, last_ptr, last_idx, people, threads, mass
):
    """Three hops; with `people` not through the user."""
    for t in numba.prange(threads):
        arrived = np.zeros(len(middle))
        touched = np.empty(len(middle), np.int64)
        for r in range(t, len(users), threads):
            skip = users[r] if people else -1
            count = _gather(users[r], ptr, idx, weight, first, step_ptr, step_idx, skip, arrived, touched)
            for n in range(count):
                v = touched[n]
                flow = arrived[v] * middle[v]
                arrived[v] = 0.0
                for q in range(last_ptr[v], last_ptr[v + 1]):
                    mass[r, last_idx[q]] += flow


@numba.njit(parallel=True, cache=True)
def chained_gradients(  # type: ignore[no-untyped-def]
    users,
    ptr,
    idx,
    weight,
    first,
    step_ptr,
    step_idx,
    middle,
    last_ptr,
    last_idx,
    people,
    g,
    gradients,
    middle_gradients,
):
    """Three hops: by the logarithms of the first and of the middle weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        arrived = np.zeros(len(middle))
        pulls = np.zeros(len(middle))
        touched = np.empty(len(middle), np.int64)
        for r in range(t, len(users), threads):
            u = users[r]
            skip = u if people else -1
            count = _gather(u, ptr, idx, weight, first, step_ptr, step_idx, skip, arrived, touched)
            for n in range(count):
                v = touched[n]
                pull = 0.0
                for q in range(last_ptr[v], last_ptr[v + 1]):
                    pull += g[r, last_idx[q]]
                pulls[v] = pull * middle[v]
                middle_gradients[t, v] += arrived[v] * pulls[v]
                arrived[v] = 0.0
            for p in range(ptr[u], ptr[u + 1]):
                a = idx[p]
                pull = 0.0
                for q in range(step_ptr[a], step_ptr[a + 1]):
                    if step_idx[q] != skip:
                        pull += pulls[step_idx[q]]
                gradients[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * pull


@numba.njit(parallel=True, cache=True)
def tabled_mass(users, ptr, idx, weight, first, table, mass):  # type: ignore[no-untyped-def]
    """Three hops by a table (nodes, num_products) of hops 2 and 3, those through the user too."""
    for r in numba.prange(len(users)):
        row = mass[r]
        for p in range(ptr[users[r]], ptr[users[r] + 1]):
            a = idx[p]
            value = np.float32((weight[p] if len(weight) else 1.0) * first[a])
            line = table[a]
            for i in range(len(row)):
                row[i] += value * line[i]


@numba.njit(parallel=True, cache=True)
def take_out_user(users, ptr, idx, weight, first, middle, own, mass):  # type: ignore[no-untyped-def]
    """Take out of the mass the walks that lead through the user."""
    back_ptr, back_idx, last_ptr, last_idx = own
    for r in numba.prange(len(users)):
        u = users[r]
        through = 0.0
        for p in range(ptr[u], ptr[u + 1]):
            if contains(back_idx[back_ptr[u] : back_ptr[u + 1]], idx[p]):
                through += (weight[p] if len(weight) else 1.0) * first[idx[p]]
        for p in range(last_ptr[u], last_ptr[u + 1]):
            mass[r, last_idx[p]] -= through * middle[u]


@numba.njit(parallel=True, cache=True, fastmath=True)
def tabled_gradients(  # type: ignore[no-untyped-def]
    users, ptr, idx, weight, first, table, back_ptr, back_idx, last_ptr, last_idx, middle, g, gradients
):
    """Three hops through people, by a table: by the logarithm of the first weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        for r in range(t, len(users), threads):
            u = users[r]
            row = g[r]
            own = np.float32(0.0)
            for p in range(last_ptr[u], last_ptr[u + 1]):
                own += row[last_idx[p]]
            own *= middle[u]
            for p in range(ptr[u], ptr[u + 1]):
                a = idx[p]
                line = table[a]
                pull = np.float32(0.0)
                for i in range(len(row)):
                    pull += line[i] * row[i]
                if contains(back_idx[back_ptr[u] : back_ptr[u + 1]], a):
                    pull -= own
                gradients[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * pull


@numba.njit(cache=True)
def _closing(u, a, closing, middle, people, back_ptr, back_idx, last_ptr, last_idx):  # type: ignore[no-untyped-def]
    """What leads from a back to a, but not by way of the user."""
    if (
        people
        and contains(back_idx[back_ptr[u] : back_ptr[u + 1]], a)
        and contains(last_idx[last_ptr[u] : last_ptr[u + 1]], a)
    ):
        return closing[a] - middle[u]
    return closing[a]


@numba.njit(parallel=True, cache=True)
def take_out(users, ptr, idx, weight, first, closing, middle, people, own, mass):  # type: ignore[no-untyped-def]
    """Take out of the mass the walks that end where the first hop led."""
    for r in numba.prange(len(users)):
        u = users[r]
        for p in range(ptr[u], ptr[u + 1]):
            a = idx[p]
            value = (weight[p] if len(weight) else 1.0) * first[a]
            mass[r, a] -= value * _closing(u, a, closing, middle, people, own[0], own[1], own[2], own[3])


@numba.njit(parallel=True, cache=True)
def take_out_gradients(users, ptr, idx, weight, first, closing, middle, people, own, g, gradients):  # type: ignore[no-untyped-def]
    """Take the walks that end where the first hop led out of the gradients by the logarithm of the first weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        for r in range(t, len(users), threads):
            u = users[r]
            for p in range(ptr[u], ptr[u + 1]):
                a = idx[p]
                value = (weight[p] if len(weight) else 1.0) * first[a]
                back = _closing(u, a, closing, middle, people, own[0], own[1], own[2], own[3])
                gradients[t, a] -= value * back * g[r, a]


@numba.njit(parallel=True, cache=True)
def choice_gradients(logits, users, held_ptr, held_idx, target_ptr, target_idx, losses):  # type: ignore[no-untyped-def]
    """Turn logits into the gradients of the loss by them: softmax without what is held, minus the share of each target.

    losses (rows,): mean of -log softmax over the targets of a row.
    """
    for r in numba.prange(len(users)):
        u = users[r]
        row = logits[r]
        for p in range(held_ptr[u], held_ptr[u + 1]):
            row[held_idx[p]] = -np.inf
        high = -np.inf
        for i in range(len(row)):
            high = max(high, row[i])
        part = 1.0 / (target_ptr[u + 1] - target_ptr[u])
        right = 0.0
        for p in range(target_ptr[u], target_ptr[u + 1]):
            right += row[target_idx[p]] - high
        total = 0.0
        for i in range(len(row)):
            row[i] = np.exp(row[i] - high)
            total += row[i]
        losses[r] = np.log(total) - part * right
        for i in range(len(row)):
            row[i] /= total
        for p in range(target_ptr[u], target_ptr[u + 1]):
            row[target_idx[p]] -= part
