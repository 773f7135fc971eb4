"""What the tests of metrics share."""

from __future__ import annotations

import logging

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def warnings(caplog):
    """Function that gives the warnings logged so far."""
    logger = MMLogger.get_instance("metric", logger_name="metric")
    logger.addHandler(caplog.handler)
    return lambda: [
        one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING
    ]
