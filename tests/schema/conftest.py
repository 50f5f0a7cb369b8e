"""Collections of the target's schema."""

import pytest
from flask import Flask

from dashboard.schema import collect
from dashboard.targets.models import Target
from tests.collections import Collect, collecting


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect)
