"""Collections of the target's vacuum and sequences."""

import pytest
from flask import Flask

from dashboard.targets.models import Target
from dashboard.vacuum import collect, sequence_collect
from tests.collections import Collect, collecting


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect)


@pytest.fixture
def counted(app: Flask, target: Target) -> Collect:
    return collecting(app, sequence_collect)
