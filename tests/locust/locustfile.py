"""What Locust asks in this project's own tests: a quick path and a slow one."""

from __future__ import annotations

from locust import HttpUser, constant_throughput, task


class Quick(HttpUser):
    fixed_count = 8
    wait_time = constant_throughput(20)

    @task
    def health(self) -> None:
        self.client.get("/health")


class Slow(HttpUser):
    fixed_count = 60
    wait_time = constant_throughput(20)

    @task
    def orders(self) -> None:
        self.client.get("/orders?page=1", name="/orders")
