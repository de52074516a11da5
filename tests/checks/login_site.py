"""A front with a login, rendered in the browser as ChefCloud's is, and what can be wrong with it.

Each variant lives below a prefix of its own: ``/good/login``, ``/good/dashboard``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.probes.web_site import Answering, data, page

if TYPE_CHECKING:
    from aiohttp import web

USER, PASSWORD = "cook@bistro.test", "right-horse-staple-7"
ORDERS = [{"id": 4711, "table": "Terrace nine", "total": "128.50"}]

_FORM = """<h1>Log in</h1><form{action}><input id="email" type="email" name="email" disabled>
<input id="password" type="password" name="password" disabled>
<button type="submit">Log in</button></form><p id="told"></p>"""

_LOGIN = """
const form = document.querySelector('form');
const enable = () => form.querySelectorAll('input').forEach((field) => field.disabled = false);
setTimeout(enable, 200);
form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = await fetch(API + '/login', { method: 'POST',
    body: JSON.stringify({ user: form.email.value, password: form.password.value }) });
  if (!answer.ok) { document.getElementById('told').textContent = 'Wrong password'; return; }
  const { token } = await answer.json();
  KEEP;
  if (!STAYS) location.href = BASE + '/dashboard';
};
"""

_PROTECTED = """
const app = document.getElementById('app');
const token = TOKEN;
const away = () => location.replace(BASE + '/login?redirect=dashboard');
async function show() {
  if (!token) return away();
  const headers = { authorization: 'Bearer ' + token };
  const answer = await fetch(API + '/orders', { headers });
  if (answer.status === 401) return away();
  const orders = await answer.json();
  SHOW;
}
setTimeout(show, 200);
"""

_SHOW = (
    "app.innerHTML = '<h1>Dashboard</h1>' + orders.map((o) => "
    "'<p class=order>' + o.table + '</p>').join('') + '<p>USER</p>'"
)
_COOKIE = "document.cookie = 'token=' + token + '; path=/'"
_FROM_COOKIE = "(document.cookie.match(/token=([^;]+)/) || [])[1]"


@dataclass(frozen=True)
class Variant:
    """One way in which the front and its API are built."""

    keep: str = _COOKIE
    token: str = _FROM_COOKIE
    show: str = _SHOW
    orders: object = field(default_factory=lambda: ORDERS)
    orders_status: int = 200
    accepts_all: bool = False
    stays: bool = False
    by_address: bool = False
    api: str | None = None
    banner: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


VARIANTS = {
    "good": Variant(),
    "session-storage": Variant(
        keep="sessionStorage.setItem('token', token)", token="sessionStorage.getItem('token')"
    ),
    "banner": Variant(
        banner='<div style="position:fixed;inset:0;opacity:.5;background:red">Cookies?</div>'
    ),
    "secure": Variant(keep=_COOKIE.replace("path=/", "path=/; Secure")),
    "constant": Variant(show="app.innerHTML = '<h1>Data loaded</h1>'", orders_status=500),
    "no-data": Variant(orders=[]),
    "placeholder": Variant(show="app.innerHTML = '<h1>Data</h1><p class=order>—</p>'"),
    "open": Variant(accepts_all=True),
    "stays": Variant(stays=True),
    "by-address": Variant(by_address=True),
    "api-down": Variant(api="http://127.0.0.1:1"),
    "profile-500": Variant(show="away()", orders_status=500),
    "role": Variant(extra={"/orders-page": "away()"}),
}


def pages_of(name: str, variant: Variant, api: str) -> dict[str, str | Answering]:
    """The front's pages of a variant."""
    base = f"/{name}"

    def filled(script: str) -> str:
        words = {
            "API": json.dumps((variant.api or api) + base),
            "BASE": json.dumps(base),
            "KEEP": variant.keep,
            "STAYS": json.dumps(variant.stays),
            "TOKEN": variant.token,
            "SHOW": variant.show.replace("USER", USER),
        }
        for word, text in words.items():
            script = script.replace(word, text)
        return script

    spinner = '<main id="app"><div class="spinner">Loading…</div></main>'
    action = f' action="{base}/login" method="get"' if variant.by_address else ""
    form = page(variant.banner + _FORM.format(action=action), filled(_LOGIN))
    if variant.by_address:
        enable = "document.querySelectorAll('input').forEach((i) => i.disabled = false)"
        form = page(_FORM.format(action=action), enable)
    pages: dict[str, str | Answering] = {
        f"{base}/login": form,
        f"{base}/dashboard": page(spinner, filled(_PROTECTED)),
    }
    for path, script in variant.extra.items():
        changed = _PROTECTED.replace("setTimeout(show, 200)", f"setTimeout(() => {script}, 200)")
        pages[base + path] = page(spinner, filled(changed))
    return pages


def calls_of(name: str, variant: Variant) -> dict[str, str | Answering]:
    """The API's answers of a variant."""
    base = f"/{name}"

    async def login(request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return await data({})(request)
        sent = await request.json()
        is_right = sent == {"user": USER, "password": PASSWORD}
        if is_right or variant.accepts_all:
            return await data({"token": "t-1"})(request)
        return await data({"message": "wrong"}, code=401)(request)

    async def orders(request: web.Request) -> web.StreamResponse:
        is_in = request.headers.get("authorization") == "Bearer t-1"
        if request.method == "OPTIONS" or is_in:
            return await data(variant.orders, code=variant.orders_status)(request)
        return await data({}, code=401)(request)

    return {f"{base}/login": login, f"{base}/orders": orders}
