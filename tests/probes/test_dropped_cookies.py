"""What is told of cookies that a browser dropped: never a value."""

from __future__ import annotations

import pytest

from pytest_chefrelease.probes.dropped_cookies import CookieWatch


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("token=hunter2; Path=/; Secure", "token (Path=/; Secure): SecureOnly"),
        ("hunter2; Path=/; Secure", "one without a name (Path=/; Secure): SecureOnly"),
        ("=hunter2; Path=/", "one without a name (Path=/): SecureOnly"),
        ("hunter2", "one without a name (): SecureOnly"),
    ],
)
def test_a_cookie_that_the_browser_refused_is_told_without_its_value(line: str, told: str) -> None:
    watch = CookieWatch()

    watch._refused({"blockedCookies": [{"cookieLine": line, "blockedReasons": ["SecureOnly"]}]})

    assert watch.dropped(kept=set()) == (told,)
