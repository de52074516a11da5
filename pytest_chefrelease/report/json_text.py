"""Plain data as the text of a JSON file that every reader accepts."""

from __future__ import annotations

import msgspec


def json_text(data: object) -> str:
    """Indented JSON with a final line end; what is no number becomes null.

    ``data`` is plain data or a ``msgspec.Struct``. Lone surrogates, which JSON files cannot
    hold, become question marks.
    """
    return msgspec.json.format(json_bytes(data), indent=1).decode() + "\n"


def json_bytes(data: object) -> bytes:
    """The same on one line, as UTF-8."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:  # in what an outside system said
        return msgspec.json.encode(_encodable(msgspec.to_builtins(data)))


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list | tuple):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return value
