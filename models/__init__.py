"""The camera models: shipped files, their cards, their training and their evaluation."""
