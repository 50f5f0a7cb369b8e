"""Which watched targets are servers of one cluster."""

import pytest

from dashboard.server.cluster import Member, one_cluster, standbys

PRIMARY = Member(1, "shop", is_standby=False, timeline=1)
STANDBY = Member(2, "shop", is_standby=True, timeline=1)
SECOND = Member(3, "shop", is_standby=True, timeline=None)
COPY = Member(4, "shop", is_standby=False, timeline=2)
OTHER_DATABASE = Member(5, "stock", is_standby=True, timeline=1)
HIDDEN = Member(6, "shop", is_standby=None, timeline=None)
ALL = [PRIMARY, STANDBY, SECOND, COPY, OTHER_DATABASE, HIDDEN]


@pytest.mark.parametrize(
    ("target_id", "found"),
    [(1, [2, 3, 5]), (2, [3, 5]), (3, [2, 5]), (4, [3]), (9, [])],
)
def test_standbys_are_those_on_the_same_history(target_id, found):
    assert standbys(target_id, ALL) == found


@pytest.mark.parametrize(
    ("target_id", "found"),
    [(1, [1, 2, 3]), (2, [2, 1, 3, 6]), (4, [4, 3]), (5, [5]), (9, [9])],
)
def test_the_same_database_on_other_servers_of_the_cluster_adds_up(target_id, found):
    assert one_cluster(target_id, ALL) == found
