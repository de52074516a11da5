"""Environment: production's variables have production's values, and so have provider files.

``matrix`` says what is asked of each variable, ``reading`` where it is read.
"""

from pytest_chefrelease.checks.env.provider_config import env_provider_config
from pytest_chefrelease.checks.env.value import env_value

__all__ = ["env_provider_config", "env_value"]
