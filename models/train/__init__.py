"""Training of the camera models: a developer's job (extra `train`), never part of set-up."""
