# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.action.clock import ahead, problems


@pytest.mark.parametrize(("there", "seconds"), [(101, 0), (100, 0), (103, 0), (123, 20), (80, -20)])
def test_a_clock_is_wrong_by_what_the_question_s_own_time_does_not_explain(there, seconds):
    assert ahead(100, there, 103) == seconds


def test_a_clock_that_is_off_is_told_of_in_a_sentence():
    assert problems(4, 5) == []
    assert "20 s ahead of the control host's" in problems(20.4, 5)[0]
    assert "7 s behind the control host's" in problems(-7, 5)[0]
