"""Forward definitions: activations, losses, layers, optimizers. No derivative is typed in here."""
