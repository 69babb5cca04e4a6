"""Random faults on real processes and real brokers; afterwards the books must agree."""
