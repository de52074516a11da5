"""Cookies that a site sets and the browser does not keep, by name and attributes, without values.

A server's are told by the browser itself, with its reason (Chrome DevTools Protocol,
``Network.responseReceivedExtraInfo``); those that a script sets are noted as it sets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

_MOST = 20
_LONGEST = 200
_NAMELESS = "one without a name"
_BINDING = "__chefreleaseCookieSet"
_NOTE = """() => {
  const kept = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...kept,
    set(line) {
      const [pair, ...rest] = String(line).split(';');
      const name = pair.includes('=') ? pair.split('=')[0].trim() : '';
      BINDING([name, rest.map((each) => each.trim()).join('; ')]);
      return kept.set.call(this, line);
    },
  });
}""".replace("BINDING", f"window.{_BINDING}")


@dataclass  # without slots: Playwright keeps its own notes on whoever listens
class CookieWatch:
    """What a page sets while it is open: attributes by name, and the browser's reasons."""

    _set: dict[str, str] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def begin(cls, page: Page) -> CookieWatch:
        """Listen to a page before it goes anywhere."""
        watch = cls()
        await page.expose_function(_BINDING, lambda told: watch._note(*told))
        await page.add_init_script(f"({_NOTE})()")
        devtools = await page.context.new_cdp_session(page)
        devtools.on("Network.responseReceivedExtraInfo", watch._refused)
        await devtools.send("Network.enable")
        return watch

    def dropped(self, kept: set[str]) -> tuple[str, ...]:
        """What was set and is not kept: ``token (Path=/; Secure)``, with the browser's reason."""
        gone = {name: told for name, told in self._set.items() if name not in kept}
        told = {name: f"{name or _NAMELESS} ({attributes})" for name, attributes in gone.items()}
        refused = {name: why for name, why in self._reasons.items() if name not in kept}
        told |= {name: f"{told.get(name, name or _NAMELESS)}: {refused[name]}" for name in refused}
        return tuple(each[:_LONGEST] for each in list(told.values())[:_MOST])

    def _note(self, name: str, attributes: str) -> None:
        """A cookie that is taken back is not dropped."""
        if _is_end(attributes):
            self._set.pop(name, None)
        elif len(self._set) < _MOST:
            self._set[name] = attributes

    def _refused(self, event: Mapping[str, Any]) -> None:
        for each in event.get("blockedCookies") or ():
            pair, _, attributes = str(each.get("cookieLine", "")).partition(";")
            name, is_named, _ = pair.partition("=")
            # Without an equals sign it is all value, and a secret.
            name = name.strip() if is_named else ""
            if not _is_end(attributes) and len(self._reasons) < _MOST:
                self._set.setdefault(name, attributes.strip())
                self._reasons[name] = ", ".join(map(str, each.get("blockedReasons") or ()))


def _is_end(attributes: str) -> bool:
    words = attributes.lower().replace(" ", "")
    return "max-age=0" in words or "expires=thu,01jan1970" in words
