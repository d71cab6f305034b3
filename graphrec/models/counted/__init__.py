"""Models of sums over customers: what two products have in common, and how many hold each.

sums.py       the sums as whole numbers, added and taken away without rounding
solve.py      popularity, item-kNN, EASE, kernel, spectral, chebyshev from nothing but them
noise.py      how much Gaussian noise hides one customer
network.py    a network of products' attributes, whose gradients have noise
private.py    the model `private`: sums with noise
federated.py  the model `federated`: sums over several banks
"""
