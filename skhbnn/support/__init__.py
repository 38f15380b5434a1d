"""Support that any layer may use: files, memory, progress, and the libraries beneath."""
