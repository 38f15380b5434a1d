"""Ways from a density to draws, one module each."""
