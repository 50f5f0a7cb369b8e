"""Collections of the target's tables."""

import pytest
from flask import Flask

from dashboard.tables import collect
from dashboard.targets.models import Target
from tests.collections import Collect, collecting


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect)
