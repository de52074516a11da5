"""Takes secrets' values out of log records: libraries log headers, addresses and what failed.

pytest shows records live (``log_cli``), beside failures, and writes them to ``--log-file``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

Clean = Callable[[str], str]

_FORMATTER = logging.Formatter()


class LogRecords:
    """Makes the records of a stage run without secrets, whoever logs them and shows them."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._before: Callable[..., logging.LogRecord] | None = None

    def install(self) -> None:
        """From here on every record is cleaned as it is made."""
        if self._before is None:
            self._before = logging.getLogRecordFactory()
            logging.setLogRecordFactory(self._made)

    def restore(self) -> None:
        """Put back the factory that was there before."""
        if self._before is not None:
            logging.setLogRecordFactory(self._before)
            self._before = None

    def _made(self, *arguments: object, **named: object) -> logging.LogRecord:
        make: Callable[..., logging.LogRecord] = self._before or logging.LogRecord
        record = make(*arguments, **named)
        try:
            told = record.getMessage()
        except Exception as error:  # noqa: BLE001 (arguments of any kind)
            # logging would report that on standard error, with the arguments as they are.
            record.msg, record.args = self._unformatted(record, error), ()
        else:
            cleaned = self._clean(told)
            if cleaned != told:
                record.msg, record.args = cleaned, ()
        if record.exc_info:
            # Formatters take the text that is there instead of making it anew.
            record.exc_text = self._clean(_FORMATTER.formatException(record.exc_info))
        return record

    def _unformatted(self, record: logging.LogRecord, error: Exception) -> str:
        """What was to be logged, where its arguments do not fit or cannot be told."""
        try:
            told = f"{record.msg!r} with {record.args!r}"
        except Exception:  # noqa: BLE001 (what has broken once may do so again)
            told = type(record.msg).__name__
        return self._clean(f"(not to be formatted, {type(error).__name__}) {told}")
