"""Our Adam moves as that of torch does, and a training imports no compiler for it."""

import subprocess
import sys

import pytest
import torch

from graphrec.models.fitting.adam import Adam


def test_it_moves_as_that_of_torch_to_the_last_bit() -> None:
    """Two groups, one with decay, a rate that changes, a parameter without a gradient, and going on from a state."""
    found = []
    for kind in (Adam, torch.optim.Adam):
        torch.manual_seed(3)
        vectors, scale, idle = (torch.nn.Parameter(torch.randn(shape)) for shape in ((7, 5), (5,), (2,)))
        groups = [{"params": [vectors], "weight_decay": 0.01}, {"params": [scale, idle], "lr": 0.3}]
        optimizer = kind(groups, lr=0.05)
        for step in range(12):
            if step == 6:
                optimizer.param_groups[0]["lr"] = 0.02
                state = optimizer.state_dict()
                optimizer = kind(groups, lr=0.05)
                optimizer.load_state_dict(state)
            optimizer.zero_grad()
            ((vectors * scale).tanh() - 0.1 * step).square().sum().backward()
            optimizer.step()
        found.append(b"".join(one.detach().numpy().tobytes() for one in (vectors, scale, idle)))
        assert optimizer.state_dict()["param_groups"][0]["lr"] == pytest.approx(0.02)
    assert found[0] == found[1]


@pytest.mark.slow
def test_it_needs_no_compiler_of_torch() -> None:
    code = (
        "import sys, torch\n"
        "from graphrec.models.fitting.adam import Adam\n"
        "one = torch.nn.Parameter(torch.ones(3))\n"
        "optimizer = Adam([{'params': [one]}])\n"
        "one.sum().backward()\n"
        "optimizer.step()\n"
        "print('torch._dynamo' in sys.modules, float(one.detach().sum()) < 3)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
