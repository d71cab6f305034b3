"""Mass of walks and its gradients by the weights of their nodes, compiled; the walks of the user and back are left out.

Everywhere: a row per user of a batch; kept (ptr, idx, weight) = first hops that are left to users, weight empty where
all are 1; first, middle (nodes,) = the weights of hops 1 and 2; mass (rows, num_products) before the last weight;
g (rows, num_products) = gradient of the loss by the mass; gradients (threads, nodes), one row per thread.
"""

import numba
import numpy as np

from graphrec.terms.compiled.hops import passed, returns


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
def _gather(u, ptr, idx, weight, first, step_ptr, step_idx, arrived, touched):  # type: ignore[no-untyped-def]
    """What arrives at the nodes after hop 2; the number of nodes reached."""
    count = 0
    for p in range(ptr[u], ptr[u + 1]):
        a = idx[p]
        value = (weight[p] if len(weight) else 1.0) * first[a]
        for q in range(step_ptr[a], step_ptr[a + 1]):
            v = step_idx[q]
            if arrived[v] == 0.0:
                touched[count] = v
                count += 1
            arrived[v] += value
    return count


@numba.njit(parallel=True, cache=True)
def chained_mass(  # type: ignore[no-untyped-def]
    users, ptr, idx, weight, first, step_ptr, step_idx, middle, last_ptr, last_idx, threads, mass
):
    """Three hops."""
    for t in numba.prange(threads):
        arrived = np.zeros(len(middle))
        touched = np.empty(len(middle), np.int64)
        for r in range(t, len(users), threads):
            count = _gather(users[r], ptr, idx, weight, first, step_ptr, step_idx, arrived, touched)
            for n in range(count):
                v = touched[n]
                flow = arrived[v] * middle[v]
                arrived[v] = 0.0
                for q in range(last_ptr[v], last_ptr[v + 1]):
                    mass[r, last_idx[q]] += flow


@numba.njit(parallel=True, cache=True)
def chained_gradients(  # type: ignore[no-untyped-def]
    users, ptr, idx, weight, first, step_ptr, step_idx, middle, last_ptr, last_idx, g, gradients, middle_gradients
):
    """Three hops: by the logarithms of the first and of the middle weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        arrived = np.zeros(len(middle))
        pulls = np.zeros(len(middle))
        touched = np.empty(len(middle), np.int64)
        for r in range(t, len(users), threads):
            u = users[r]
            count = _gather(u, ptr, idx, weight, first, step_ptr, step_idx, arrived, touched)
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
                    pull += pulls[step_idx[q]]
                gradients[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * pull


@numba.njit(cache=True)
def _entry(people, a, i):  # type: ignore[no-untyped-def]
    """Where a table has a pair of neighbour and product; -1 where it has none."""
    start, stop = people.indptr[a], people.indptr[a + 1]
    q = start + np.searchsorted(people.indices[start:stop], i)
    return q if q < stop and people.indices[q] == i else -1


@numba.njit(parallel=True, cache=True)
def people_mass(users, ptr, idx, weight, first, people, own, dense, mass):  # type: ignore[no-untyped-def]
    """Three hops through other people, by the table of hops 2 and 3; dense (nodes, products): the same, or empty."""
    for r in numba.prange(len(users)):
        u, row = users[r], mass[r]
        last = own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]
        for p in range(ptr[u], ptr[u + 1]):
            a = idx[p]
            value = np.float32((weight[p] if len(weight) else 1.0) * first[a])
            if len(dense):
                line = dense[a]
                for i in range(len(row)):
                    row[i] += value * line[i]
            else:
                for q in range(people.indptr[a], people.indptr[a + 1]):
                    row[people.indices[q]] += value * people.masses[q]
        # What the user holds themselves, the table counts too.
        for i in last:
            arrived = 0.0
            for p in range(ptr[u], ptr[u + 1]):
                a = idx[p]
                q = _entry(people, a, i)
                if q >= 0:
                    value = (weight[p] if len(weight) else 1.0) * first[a]
                    arrived += value * passed(people, own, u, q, returns(own, u, a))
            row[i] = arrived


@numba.njit(parallel=True, cache=True, fastmath=True)
def people_gradients(users, ptr, idx, weight, first, people, own, dense, g, gradients):  # type: ignore[no-untyped-def]
    """Three hops through other people: by the logarithm of the first weight."""
    threads = len(gradients)
    for t in numba.prange(threads):
        for r in range(t, len(users), threads):
            u, row = users[r], g[r]
            last = own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]
            for p in range(ptr[u], ptr[u + 1]):
                a = idx[p]
                pull = np.float32(0.0)
                if len(dense):
                    line = dense[a]
                    for i in range(len(row)):
                        pull += line[i] * row[i]
                else:
                    for q in range(people.indptr[a], people.indptr[a + 1]):
                        pull += np.float32(people.masses[q]) * row[people.indices[q]]
                if returns(own, u, a):
                    for i in last:
                        q = _entry(people, a, i)
                        if q >= 0:
                            pull += (passed(people, own, u, q, True) - people.masses[q]) * row[i]
                gradients[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * pull


@numba.njit(parallel=True, cache=True)
def take_out(users, ptr, idx, weight, first, closing, mass):  # type: ignore[no-untyped-def]
    """Take out of the mass the walks that end where the first hop led."""
    for r in numba.prange(len(users)):
        for p in range(ptr[users[r]], ptr[users[r] + 1]):
            a = idx[p]
            mass[r, a] -= (weight[p] if len(weight) else 1.0) * first[a] * closing[a]


@numba.njit(parallel=True, cache=True)
def come_back(users, ptr, idx, weight, first, g, met):  # type: ignore[no-untyped-def]
    """By what flows back to each neighbour, which is taken out: the gradient (threads, num_products)."""
    threads = len(met)
    for t in numba.prange(threads):
        for r in range(t, len(users), threads):
            for p in range(ptr[users[r]], ptr[users[r] + 1]):
                a = idx[p]
                met[t, a] += (weight[p] if len(weight) else 1.0) * first[a] * g[r, a]


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
