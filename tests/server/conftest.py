"""Collections of the fixture target by the collectors of a server."""

import pytest
from flask import Flask

from dashboard.server import collect, collect_connections, collect_io, collect_replication
from dashboard.targets.models import Target
from tests.collections import Collect, collecting


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect)


@pytest.fixture
def connected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect_connections)


@pytest.fixture
def counted(app: Flask, target: Target) -> Collect:
    return collecting(app, collect_io)


@pytest.fixture
def followed(app: Flask, target: Target) -> Collect:
    return collecting(app, collect_replication)
