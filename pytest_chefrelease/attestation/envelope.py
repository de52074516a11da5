"""DSSE envelopes, sealed and opened by securesystemslib.

Source: secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import Malformed, Refused

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def seal(payload: bytes, signer: CryptoSigner) -> str:
    """The envelope around a payload, signed, as the text of its file."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=1) + "\n"


def unsealed(text: str | bytes) -> bytes:
    """The payload, whoever signed it: to be believed by nobody. Raises Malformed."""
    return _read(text).payload


def opened(text: str | bytes, keys: Sequence[SSlibKey]) -> bytes:
    """The payload, when one of the keys has signed it. Raises Refused and Malformed."""
    from securesystemslib.exceptions import VerificationError

    envelope = _read(text)
    known = [key for key in keys if key.keyid in envelope.signatures]
    if not known:
        signed_by = ", ".join(keyid[:12] for keyid in envelope.signatures) or "nobody"
        trusted = ", ".join(key.keyid[:12] for key in keys)
        raise Refused([f"foreign key: signed by {signed_by}; trusted are {trusted}"])
    try:
        envelope.verify(list(known), 1)
    except VerificationError:
        raise Refused(["tampered: the signature does not fit what is in the envelope"]) from None
    return envelope.payload


def _read(text: str | bytes) -> Envelope:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import Error

    try:
        envelope = Envelope.from_dict(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Error):
        raise Malformed("no DSSE envelope", expected="what chefrelease attest wrote") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Malformed("an envelope of something else", expected=f"payloadType {PAYLOAD_TYPE}")
    return envelope
