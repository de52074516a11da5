"""``chefrelease verify``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_chefrelease.cli.teaching import epilog
from pytest_chefrelease.errors import Refused

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    short_help="Check an attestation, offline",
    epilog=epilog(
        "chefrelease verify prerelease.intoto.json --key release.key.pub --stage prerelease",
        "chefrelease verify postrelease.intoto.json --policy policy.toml",
        exits={
            0: "all of it holds",
            1: "refused, with each reason",
            4: "the question is not complete",
        },
    ),
)
@click.argument("attestation", type=_FILE)
@click.option("--policy", type=_FILE, help="What must hold: keys, stage, environment, max_age ...")
@click.option("--key", "keys", multiple=True, help="A public key that is trusted (repeatable).")
@click.option("--stage", help="The stage that must be attested.")
@click.option("--environment", help="The environment; default: production.")
@click.option("--commit", help="The full hash of the commit; default: HEAD of this repository.")
@click.option("--image", metavar="DIGEST", help="The image that must be attested: sha256:...")
def verify(
    attestation: Path, policy: Path | None, keys: tuple[str, ...], **options: str | None
) -> None:
    """Check an ATTESTATION offline: signature, subject, age, verdict, chain.

    Options win over the policy's file.
    """
    from pytest_chefrelease.attestation import desk

    asked: dict[str, object] = {**options, "keys": keys}
    try:
        held = desk.verify(attestation, policy, asked, datetime.now(UTC))
    except Refused as refused:
        for reason in refused.reasons:
            click.echo(f"refused: {reason}")
        sys.exit(1)
    stage = held.stage
    version = stage.version or "no version"
    click.echo(f"{held.result}: {stage.stage} of {version} in {stage.environment} is GO")
