"""How networks are fitted: steps, losses, epochs, gradients."""
