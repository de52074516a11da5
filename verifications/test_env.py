"""Environment: production's variables have production's values, and so have provider files."""

from pytest_chefrelease.plugin import verification

test_env_value = verification("env.value")
test_env_provider_config = verification("env.provider-config")
