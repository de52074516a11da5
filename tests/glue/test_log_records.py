"""Records of libraries, as handlers of any kind show them, without secrets."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from pytest_chefrelease.pytest_glue.log_records import LogRecords
from pytest_chefrelease.report.redact import MARK, Redactor

SECRET = "correct horse battery"


class Broken:
    """What some library logs, and what breaks when it is told."""

    def __repr__(self) -> str:
        raise RuntimeError(SECRET)


@pytest.fixture
def shown() -> Iterator[io.StringIO]:
    stream, records = io.StringIO(), LogRecords(Redactor([SECRET]).text)
    handler, logger = logging.StreamHandler(stream), logging.getLogger("kitchen")
    logger.addHandler(handler)
    logger.propagate = False
    records.install()
    yield stream
    records.restore()
    logger.removeHandler(handler)
    logger.propagate = True


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (f"password {SECRET} of %d %d", (1,)),
        ("password %d", (SECRET,)),
        ("%s", (Broken(),)),
        ({"password": SECRET}, ()),
        ("password %(it)s", ({"it": SECRET},)),
    ],
)
def test_a_record_whose_arguments_do_not_fit_tells_no_secret_either(
    shown: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    message: object,
    arguments: tuple[object, ...],
) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("kitchen").exception(message, *arguments)

    out, err = capsys.readouterr()
    assert (out, err) == ("", "")  # logging writes its own errors to standard error
    assert f"ValueError: {MARK}" in shown.getvalue()
    assert SECRET not in shown.getvalue()


def test_a_record_without_a_secret_stays_as_it_was_made(shown: io.StringIO) -> None:
    seen: list[logging.LogRecord] = []
    logger = logging.getLogger("kitchen")
    logger.addFilter(keep := lambda record: not seen.append(record))  # type: ignore[func-returns-value]

    logger.warning("%d orders", 3)

    logger.removeFilter(keep)
    assert (seen[0].msg, seen[0].args) == ("%d orders", (3,))
    assert shown.getvalue() == "3 orders\n"
