"""Redis, where the product uses it: it answers, and keeps what it is given."""

from pytest_chefrelease.plugin import verification

test_redis_ping = verification("redis.ping")
