"""The rule by which a budget lowers code: what it costs, and what the program takes."""

from codetracer.runtime.budget import GRACE, Budget
from codetracer_bindings.trace_format import DETAIL_CALLS, DETAIL_LINES, DETAIL_VALUES

MS = 1_000_000


class Clock:
    """The CPU time of a process, which stands still."""

    def __init__(self) -> None:
        self.now = 7 * MS

    def __call__(self) -> int:
        return self.now


def budget_of(percent: float) -> tuple[Budget, Clock]:
    clock = Clock()
    return Budget(percent, clock=clock), clock


def sample(code: int, taken: int, detail: int = DETAIL_VALUES) -> tuple[int, int, int]:
    return code, detail, taken * MS


def test_within_the_budget_nothing_is_lowered() -> None:
    budget, clock = budget_of(50)
    clock.now += 300 * MS

    assert budget.look(100 * MS, [sample(1, 100)]) == []
    assert budget.lowered == 0


def test_the_most_expensive_code_is_lowered_until_the_rest_is_within_the_budget() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS

    # The program takes 100 ms of these, and may cost 50. Lowering 2 saves 7/8 of its 80 ms.
    found = budget.look(100 * MS, [sample(1, 10), sample(2, 30), sample(3, 10), sample(2, 50)])

    assert found == [(2, DETAIL_LINES)]
    assert budget.lowered == 1


def test_code_with_lines_is_lowered_to_calls_and_that_saves_half() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS

    found = budget.look(100 * MS, [sample(1, 10), sample(2, 70, DETAIL_LINES), sample(3, 20)])

    assert found == [(2, DETAIL_CALLS), (3, DETAIL_LINES)]


def test_code_with_calls_alone_is_not_lowered() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS

    assert budget.look(100 * MS, [sample(1, 99, DETAIL_CALLS), sample(2, 1)]) == [(2, DETAIL_LINES)]


def test_a_program_may_begin_with_more_than_its_share() -> None:
    budget, clock = budget_of(50)
    clock.now += 10 * MS + GRACE

    assert budget.look(GRACE, [sample(1, 20)]) == []
    assert budget.look(GRACE + 10 * MS, [sample(1, 20)]) == [(1, DETAIL_LINES)]


def test_what_was_lowered_gets_time_to_pay_off() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS
    assert budget.look(150 * MS, [sample(1, 150)]) == [(1, DETAIL_LINES)]
    clock.now += 100 * MS

    # Altogether it is still too much, but not since the last time: 10 ms of 100.
    assert budget.look(160 * MS, [sample(1, 10, DETAIL_LINES)]) == []


def test_reading_new_code_counts_and_is_no_reason_to_lower_code_that_costs_little() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS

    assert budget.look(150 * MS, [sample(1, 20)]) == []
    assert budget.as_dict(150 * MS) == {
        "percent": 50,
        "program_ns": 50 * MS,
        "recording_ns": 150 * MS,
    }


def test_in_a_forked_child_all_begins_again() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS
    budget.look(150 * MS, [sample(1, 150)])
    clock.now = 0
    budget.restart(150 * MS)
    clock.now = 100 * MS

    assert budget.lowered == 0
    assert budget.look(170 * MS, [sample(1, 20)]) == []
    assert budget.as_dict(170 * MS)["recording_ns"] == 20 * MS
    assert budget.as_dict(170 * MS)["program_ns"] == 80 * MS


def test_samples_that_seem_to_take_all_the_time_leave_the_program_a_hundredth() -> None:
    budget, clock = budget_of(50)
    clock.now += 200 * MS

    assert budget.look(210 * MS, [sample(1, 200)]) == [(1, DETAIL_LINES)]
    assert budget.as_dict(210 * MS)["program_ns"] == 2 * MS
