"""Training of the camera models; a developer's job with the `train` extra, never part of set-up."""
