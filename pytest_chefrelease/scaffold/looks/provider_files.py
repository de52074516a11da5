"""What render.yaml and fly.toml say: provider, applications, health paths, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.provider_files import Service, services_of
from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.work_tree import WorkTree

_STAGING = re.compile(r"stag|preview|dev\b|test", re.IGNORECASE)
_WEB = re.compile(r"\b(web|www|front(end)?|site|ui)\b", re.IGNORECASE)
_API_ADDRESS = re.compile(r"(NEXT_PUBLIC|VITE|REACT_APP|PUBLIC)_(API|BACKEND)(_BASE)?(_URL)?")
_PROBE = re.compile(r"read(y|iness)|live(z|ness)?$|ping")
"""Paths that tell a balancer yes or no, and no version or services: a person has to decide."""
_HOSTS = {"fly": "fly.dev", "render": "onrender.com"}


def suggestions(tree: WorkTree) -> Iterator[Suggestion]:
    """From the files for production; those whose name or application says staging come last."""
    services = sorted(_services(tree), key=lambda s: bool(_STAGING.search(s.label)))
    asked = [service for service in services if service.is_asked]
    for environment in ("production", "staging"):
        of_it = [s for s in asked if bool(_STAGING.search(s.label)) is (environment == "staging")]
        yield from _of_environment(of_it, environment)


def _services(tree: WorkTree) -> Iterator[Service]:
    for path in tree.matching("render.yaml", "render.yml", "fly.toml", "fly.*.toml"):
        try:
            yield from services_of(path, tree.text(path).encode())
        except Malformed:
            continue  # env.provider-config says what is wrong with it


def _of_environment(services: Sequence[Service], environment: str) -> Iterator[Suggestion]:
    provider = services[0].provider if services else ""
    # A product may carry files of two providers; one of them runs it.
    own = [service for service in services if service.provider == provider]
    web = next((s for s in own if _WEB.search(_words(s))), None)
    api = next((s for s in own if s is not web), None) or web
    if api is None:
        return
    if environment == "production":
        yield Suggestion(("provider",), "name", provider, api.path)
        note = "; better its id, srv-…, from Render's dashboard" if provider == "render" else ""
        yield Suggestion(("provider",), "app", api.name, api.path + note)
        if web is not None and web is not api:
            yield Suggestion(("provider",), "web_app", web.name, web.path)
    table = ("environments", environment)
    yield from _addresses(table, own, api, web)
    if api.health_path and api.health_path != "/":
        source, is_probe = f"{api.path}, its health check", bool(_PROBE.search(api.health_path))
        yield Suggestion(table, "health", api.health_path, source, is_probe)


def _addresses(
    table: tuple[str, ...], services: Sequence[Service], api: Service, web: Service | None
) -> Iterator[Suggestion]:
    for service in services:
        for name, value in service.variables.items():
            source = f"{service.path}, {name}"
            if _API_ADDRESS.fullmatch(name):
                yield Suggestion(table, "api", value, source)
            elif name in ("CORS_ORIGINS", "CORS_ORIGIN", "ORIGIN"):
                yield Suggestion(table, "web", value.split(",")[0].strip(), source)
    guessed = [("api", api)] + ([("web", web)] if web is not None and web is not api else [])
    for key, service in guessed:
        address = f"https://{service.name}.{_HOSTS[service.provider]}"
        source = f"{service.path}, the provider's own address; has it one of yours?"
        yield Suggestion(table, key, address, source, is_example=True)


def _words(service: Service) -> str:
    return re.sub(r"[^a-z]+", " ", f"{service.name} {service.path}".lower())
