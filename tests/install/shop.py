"""A project of its own, in a folder of a monorepo: Django, async tests, coverage with a limit."""

from __future__ import annotations

from pathlib import Path

from tests.checks.work_tree import WorkTree

FOLDER = Path("services") / "my shop"

_FILES = {
    "shop/__init__.py": "def total(prices):\n    return sum(prices)\n",
    "shop/settings.py": """
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
""",
    "shop/urls.py": """
from django.http import JsonResponse
from django.urls import path
urlpatterns = [path("health", lambda request: JsonResponse({"status": "ok"}))]
""",
    # Each line is one that projects really have, and that could have stopped a gate.
    "pytest.ini": """
[pytest]
DJANGO_SETTINGS_MODULE = shop.settings
pythonpath = .
testpaths = tests
python_files = check_*.py
python_functions = check_*
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
addopts =
    --strict-markers --strict-config --reruns 1 -p no:cacheprovider
    --cov=shop --cov-fail-under=90 --doctest-modules
markers =
    slow: takes long
filterwarnings = error
base_url = http://127.0.0.1:9
""",
    # An option of ours, with another meaning, and one that begins as ours do.
    "tests/conftest.py": """
import pytest

def pytest_addoption(parser):
    parser.addoption("--watch", default="files")
    parser.addoption("--release-notes", default="none")

@pytest.fixture(autouse=True)
def own():
    yield

@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
""",
    "tests/check_shop.py": """
import asyncio
import pytest
from django.contrib.auth.models import User
from shop import total

seen = []

def check_total():
    assert total([1, 2]) == 3

@pytest.mark.slow
def check_slow():
    assert total([]) == 0

@pytest.mark.django_db
def check_database():
    User.objects.create(username="ada")
    assert User.objects.count() == 1

def check_client(client):
    assert client.get("/health").json() == {"status": "ok"}

async def check_asyncio():
    await asyncio.sleep(0)

@pytest.mark.anyio
async def check_anyio():
    await asyncio.sleep(0)

def check_address(base_url, browser_type_launch_args):
    assert base_url == "http://127.0.0.1:9"

def check_flaky():
    seen.append(1)
    assert len(seen) == 2
""",
    ".gitignore": "__pycache__/\n.coverage\n",
    "CHANGELOG.md": "# Changelog\n\n## v1.5.0\n\n- A feature.\n",
}
CHECKS = 8
"""How many tests of its own it has."""


def make_monorepo(folder: Path, *, with_tests: bool) -> Path:
    """The shop's folder in a repository of several products, with an origin and a release.

    Without tests it is the same product, whose repository has no pytest of its own.
    """
    tree, origin = WorkTree.make(folder / "mono repo"), folder / "origin.git"
    tree.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    tree.git("remote", "add", "origin", str(origin))
    own = ("pytest.ini", "tests/")
    files = {
        f"{FOLDER.as_posix()}/{name}": text
        for name, text in _FILES.items()
        if with_tests or not name.startswith(own)
    }
    tree.commit({"README.md": "Two products.\n", "services/other/main.py": "", **files})
    tree.git("tag", "--annotate", "--message=Release", "v1.5.0")
    tree.git("push", "--quiet", "origin", "main", "--tags")
    return tree.path / FOLDER
