from memo import remembered


@remembered()
def area(width, height, *, unit="m"):
    return width * height * {"m": 1, "cm": 10_000}[unit]


def test_what_was_computed_is_remembered():
    assert area(2, 3) == area(2, 3) == 6


def test_each_unit_has_a_result_of_its_own():
    assert area(2, 3, unit="m") == 6
    assert area(2, 3, unit="cm") == 60_000
