"""What a browser saw of one page, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, quote_plus, urlsplit

MASK = "•••"


@dataclass(frozen=True, slots=True)
class State:
    """One look at a page, as page_state.js returns it.

    ``waiting`` names visible spinners, skeletons and loading texts; ``shown`` counts visible
    elements that hold text, a picture or a control (at most 500); ``fields`` are visible
    inputs, ``passwords_enabled`` those of them into which a password can be typed.
    """

    address: str
    title: str
    text: str
    is_parsed: bool
    waiting: tuple[str, ...]
    shown: int
    fields: int
    fields_enabled: int
    passwords_enabled: int

    @property
    def is_ready(self) -> bool:
        """Whether a visitor could use what is there: nothing waits, inputs take input."""
        takes_input = self.fields == 0 or self.fields_enabled > 0
        return self.is_parsed and self.shown > 0 and not self.waiting and takes_input


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the page that went wrong or fetched data, with how often it was made.

    ``kind`` is the browser's resource type; ``status`` is None where no answer came, and
    ``error`` says why; ``is_prefetch`` marks what was fetched ahead and shown to nobody.
    """

    method: str
    url: str
    kind: str
    status: int | None
    error: str = ""
    is_prefetch: bool = False
    count: int = 1

    @property
    def is_data(self) -> bool:
        """Whether a script asked for it."""
        return self.kind in ("fetch", "xhr")

    @property
    def seen(self) -> str:
        """``GET https://… : status 500``."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        told = self.error if self.status is None else f"status {self.status}"
        return f"{self.method} {self.url}: {told}{times}"


@dataclass(frozen=True, slots=True)
class ScriptError:
    """An uncaught error, or an error on the console; ``addresses`` are scripts it names."""

    text: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Events:
    """What happened on a page while it was looked at. Lists are bounded, repeats counted.

    ``unfinished`` are requests without which a page cannot be finished (document, script,
    style sheet) that still had no answer at the end; ``data`` are answered calls of scripts;
    ``addresses`` are the main frame's, in order; ``dialogs`` were dismissed.
    """

    failed: tuple[Request, ...] = ()
    data: tuple[Request, ...] = ()
    unfinished: tuple[Request, ...] = ()
    uncaught: tuple[ScriptError, ...] = ()
    console: tuple[ScriptError, ...] = ()
    dialogs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    bodies: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as a visitor had it at the end of the look.

    ``status`` is the document's; ``redirects`` the addresses that led here by HTTP;
    ``problem`` says why no document came. ``usable_ms`` is the time from the request to the
    moment from which on nothing changed any more, None where that did not come within the
    budget; ``colours`` counts the colours of a small picture of the page (0: there is none),
    ``screenshot`` is a JPEG. ``incidents`` names crashes and hangs of the browser that a
    second try got over.
    """

    asked: str
    observed_at: datetime
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    redirects: tuple[str, ...] = ()
    problem: str = ""
    state: State | None = None
    usable_ms: float | None = None
    events: Events = Events()
    colours: int = 0
    screenshot: bytes = field(default=b"", repr=False)
    incidents: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where the visitor ended."""
        return self.state.address if self.state is not None else self.asked

    @property
    def path(self) -> str:
        """The path of ``address``, without a trailing slash; ``/`` for the root."""
        return path_of(self.address)


def path_of(address: str) -> str:
    """The path of an address, without a trailing slash; ``/`` for the root."""
    return urlsplit(address).path.rstrip("/") or "/"


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, the usual port left out."""
    parts = urlsplit(address)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def without(text: str, hidden: tuple[str, ...]) -> str:
    """The text with every hidden value masked, also where it stands URL-encoded."""
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        for form in {value, quote(value, safe=""), quote(value), quote_plus(value)}:
            text = text.replace(form, MASK)
    return text
