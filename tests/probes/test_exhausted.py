"""What this machine lacks is told apart from what is wrong with whoever was asked."""

from __future__ import annotations

import errno
import socket

import httpx
import pytest

from pytest_chefrelease.errors import Exhausted, Unreachable
from pytest_chefrelease.probes import exhausted as room
from pytest_chefrelease.probes.exhausted import exhausted
from pytest_chefrelease.probes.http_failures import classify

URL = "https://shop.example/health"


def behind(cause: OSError) -> httpx.ConnectError:
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EMFILE, "no more files and connections"),
        (errno.ENFILE, "no more files and connections"),
        (errno.ENOSPC, "the disk here is full"),
        (errno.ENOMEM, "no memory left here"),
    ],
)
def test_a_lack_of_this_machines_is_none_of_the_servers(number: int, says: str) -> None:
    error = classify(behind(OSError(number, "")), URL)

    assert isinstance(error, Exhausted)
    assert says in error.seen
    assert error.remedy


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EHOSTUNREACH])
def test_a_server_that_is_not_there_is_no_lack(number: int) -> None:
    assert isinstance(classify(behind(OSError(number, "")), URL), Unreachable)
    assert exhausted(OSError(number, "")) is None
    assert exhausted(ValueError("x")) is None


def test_a_name_is_unknown_only_where_one_could_be_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert isinstance(classify(behind(unknown), URL), Unreachable)
    monkeypatch.setattr(room, "descriptors_left", lambda: False)
    assert isinstance(classify(behind(unknown), URL), Exhausted)
