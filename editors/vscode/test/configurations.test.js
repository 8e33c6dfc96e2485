"use strict";
// Launch configurations are read, and wrong ones are reported.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { completed, launch, problem, testAt, withoutConfiguration } = require("../src/configurations");

const MODULE = `\
import pytest

class Shop:
    def test_drive(self):
        pass

@pytest.mark.parametrize(
    "count",
    [1, 2],
)
async def test_sale(count):
    if count:
        def test_inside():
            return 1

        assert test_inside()


class TestReturns:
    price = 3

    def test_late(self):
        for each in [1]:

            assert each
        note = """
text at the margin
"""

    def help(self):
        return 1


def helper():
    return 2
`.split("\n");

for (const [line, id] of /** @type {[string, string | undefined][]} */ ([
  ["        pass", "Shop::test_drive"],
  ["async def test_sale(count):", "test_sale"],
  ["            return 1", "test_sale"],
  ["        assert test_inside()", "test_sale"],
  ["            assert each", "TestReturns::test_late"],
  ["    def test_late(self):", "TestReturns::test_late"],
  ["    price = 3", undefined],
  ["        return 1", undefined],
  ["    return 2", undefined],
  ["import pytest", undefined],
])) {
  test(`the test around "${line.trim()}" is ${id}`, () => {
    assert.equal(testAt(MODULE, MODULE.indexOf(line)), id);
  });
}

test("a configuration names one thing to open", () => {
  for (const what of ["recording", "program", "module", "code", "pytest"]) {
    assert.equal(problem({ ...launch("x"), [what]: "" }), undefined);
  }
});

test("a configuration that names nothing is refused, and told what it may name", () => {
  assert.match(problem(launch("mine")) ?? "", /"mine" names nothing to open; give it one of "rec/);
});

test("a configuration that names two things is refused", () => {
  const wrong = problem({ ...launch("mine"), program: "app.py", module: "app" });

  assert.match(wrong ?? "", /has "program" and "module"; give it only one of/);
});

test("only launch is possible", () => {
  const wrong = problem({ ...launch("mine"), request: "attach", program: "app.py" });

  assert.match(wrong ?? "", /"request" is "attach"/);
});

test("a program runs in the folder of the workspace, unless the configuration names another", () => {
  const given = { ...launch("mine"), program: "app.py" };

  assert.equal(completed(given, "/shop").cwd, "/shop");
  assert.equal(completed({ ...given, cwd: "/other" }, "/shop").cwd, "/other");
  assert.deepEqual(completed(given, undefined), given);
});

test("without a configuration the open Python file is recorded", () => {
  assert.equal(withoutConfiguration("python")?.program, "${file}");
  assert.equal(withoutConfiguration("rust"), undefined);
  assert.equal(withoutConfiguration(undefined), undefined);
});
