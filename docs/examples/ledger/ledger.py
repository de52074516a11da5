"""A small ledger: double-entry postings over HTTP, kept in SQLite. The standard library is enough.

``python ledger.py PORT`` serves it. Variables: LEDGER_VERSION and LEDGER_COMMIT (what runs),
LEDGER_JOURNAL (the database's file), LEDGER_LOG (the access log), LEDGER_TOKEN_SECRET.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_MIGRATIONS = Path(__file__).parent / "migrations"
_STARTED = time.monotonic()
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ledger</title></head>
<body><h1>Ledger</h1><p>{accounts} accounts, in balance: {balance}.</p></body></html>"""


def journal() -> closing[sqlite3.Connection]:
    """A connection to the journal."""
    return closing(sqlite3.connect(os.environ["LEDGER_JOURNAL"], timeout=5))


def migrate() -> None:
    """Apply what is new of migrations/, in order; SQLite itself counts them."""
    with journal() as database:
        done = int(database.execute("PRAGMA user_version").fetchone()[0])
        for number, script in enumerate(sorted(_MIGRATIONS.glob("*.sql")), start=1):
            if number > done:
                database.executescript(f"{script.read_text()}\nPRAGMA user_version = {number};")


def status() -> dict[str, object]:
    """What /status says: of the journal only what was just read from it."""
    with journal() as database:
        schema = int(database.execute("PRAGMA user_version").fetchone()[0])
        postings, balance = database.execute(
            "SELECT count(*), coalesce(sum(cents), 0) FROM postings"
        ).fetchone()
    return {
        "status": "ok",
        "version": os.environ["LEDGER_VERSION"],
        "commit": os.environ["LEDGER_COMMIT"],
        "timestamp": datetime.now(UTC).isoformat(),
        "uptime": round(time.monotonic() - _STARTED, 1),
        "services": {"journal": "up"},
        "schema": schema,
        "postings": postings,
        "balance_cents": balance,
    }


def page() -> str:
    """The front page."""
    with journal() as database:
        accounts = database.execute("SELECT count(*) FROM accounts").fetchone()[0]
    return _PAGE.format(accounts=accounts, balance=status()["balance_cents"] == 0)


def is_token(header: str) -> bool:
    """Whether the header carries ``Bearer NAME.HMAC``."""
    name, _, given = header.removeprefix("Bearer ").partition(".")
    secret = os.environ["LEDGER_TOKEN_SECRET"].encode()
    return hmac.compare_digest(given, hmac.new(secret, name.encode(), hashlib.sha256).hexdigest())


class Ledger(BaseHTTPRequestHandler):
    """Answers each request, and writes it to the log in the combined format."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        try:
            code, kind, text = self._answer()
        except sqlite3.Error:
            code, kind, text = 503, "application/json", '{"status":"down"}'
        self._send(code, kind, text)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def _answer(self) -> tuple[int, str, str]:
        path = self.path.partition("?")[0]
        if path == "/":
            return 200, "text/html; charset=utf-8", page()
        if path == "/status":
            return 200, "application/json", json.dumps(status())
        if path == "/v2/rates":
            return 200, "application/json", '{"EUR":"1","USD":"1.08"}'
        if path in ("/v2/accounts", "/v2/postings"):
            code = 200 if is_token(self.headers.get("Authorization", "")) else 401
            return code, "application/json", "[]" if code == 200 else '{"error":"a token, please"}'
        return 404, "application/json", '{"error":"not found"}'

    def do_OPTIONS(self) -> None:
        """Answer a browser that asks before it asks."""
        self._send(204, "text/plain", "")

    def _send(self, code: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response_only(code)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", str(uuid.uuid4()))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("Vary", "Origin")
        if self.headers.get("Origin") == f"http://{self.headers.get('Host')}":
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self._log(code, len(body))

    def _log(self, code: int, size: int) -> None:
        when = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        agent = self.headers.get("User-Agent", "-").replace('"', "'")
        line = f'{self.client_address[0]} - - [{when}] "{self.requestline}" {code} {size} "-"'
        with Path(os.environ["LEDGER_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f'{line} "{agent}"\n')

    def log_message(self, *_: object) -> None:
        """Nothing besides the log."""


if __name__ == "__main__":
    migrate()
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ledger)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
