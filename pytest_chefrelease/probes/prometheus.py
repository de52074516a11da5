"""Prometheus, as far as a release gate asks it: instant queries.

Source: Prometheus' HTTP API, ``GET /api/v1/query``. Values come as text; NaN is what a quantile of
nothing is, and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.vendor_answers import malformed, refuse

VENDOR = "Prometheus"
_BODY_BYTES = 20_000_000


class Sample(Struct, frozen=True):
    """One element of a vector: its labels and its value."""

    labels: Mapping[str, str]
    value: float


class _Element(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[_Element]


class _Answer(msgspec.Struct):
    data: _Data


class _Refusal(msgspec.Struct, rename="camel"):
    error_type: str
    error: str


@dataclass(frozen=True, slots=True)
class PrometheusApi:
    """A Prometheus, or what speaks like one, at an address."""

    http: HttpProbe
    url: str
    token: str | None = field(default=None, repr=False)
    token_name: str = ""

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """The vector that an expression gives now; empty where nothing is known.

        Raises ProbeErrors.
        """
        found = await self._vector(promql)
        return tuple(sample for sample in found if not math.isnan(sample.value))

    async def count(self, promql: str) -> float | None:
        """The one value of an expression that counts; None where nothing is known.

        Raises ProbeErrors, Malformed for what is no count: no errors and no number of errors
        are not the same.
        """
        found = await self._vector(promql)
        if not found:
            return None
        if not 0 <= found[0].value < math.inf:
            raise Malformed(
                f"{VENDOR} counts {found[0].value:g}",
                expected=f"a number of {promql[:200]}",
                where=self.url,
            )
        return found[0].value

    async def _vector(self, promql: str) -> tuple[Sample, ...]:
        headers = {"accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        target = f"{self.url}/api/v1/query?{urlencode({'query': promql})}"
        answer = await self.http.request("GET", target, headers=headers, max_body_bytes=_BODY_BYTES)
        if answer.status in (400, 404, 422, 503):
            raise _refused(answer, promql)
        refuse(answer, VENDOR, self.token_name or "prometheus.token_env (none is set)")
        try:
            elements = msgspec.convert(answer.json(), _Answer).data.result
            return tuple(Sample(each.metric, float(each.value[1])) for each in elements)
        except msgspec.ValidationError as error:
            raise malformed(answer, VENDOR, error) from None
        except ValueError:
            raise Malformed(f"{VENDOR} gives a value that is no number", where=self.url) from None


def selector(matchers: Sequence[str]) -> str:
    """Matchers as a selector's braces."""
    return "{" + ",".join(matchers) + "}"


def _refused(answer: Answer, promql: str) -> Malformed:
    """Prometheus' own words: what it says of an expression is what one needs to mend it."""
    try:
        said = msgspec.convert(answer.json(), _Refusal)
        why = f"{said.error_type}: {said.error[:200]}"
    except (msgspec.ValidationError, Malformed):
        why = "no Prometheus answers there"
    return Malformed(
        f"{VENDOR} answers {answer.status}, {why}",
        expected=f"the value of {promql[:200]}",
        where=answer.url.partition("?")[0],
        remedy="Correct [prometheus] in release.toml: url, selector, and the metrics' names.",
    )
