"""Counters of the simulated world, shown at /metrics."""

from prometheus_client import CollectorRegistry, Counter, generate_latest


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.charges = Counter(
            "sandbox_charges", "Charges booked", ["account", "state"], registry=self.registry
        )
        self.faults = Counter(
            "sandbox_faults", "Faults injected", ["operation", "kind"], registry=self.registry
        )
        self.webhooks = Counter(
            "sandbox_webhooks", "Webhook deliveries", ["outcome"], registry=self.registry
        )

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
