"""Staging: the release candidate runs there, and keeps everything that production must."""

from pytest_chefrelease.plugin import verification

test_staging_same_code = verification("staging.same-code")
test_staging_smoke = verification("staging.smoke")
test_staging_preflight = verification("staging.preflight")
test_staging_route = verification("staging.route")
test_staging_command = verification("staging.command")
test_staging_ui_spot_check = verification("staging.ui-spot-check")
