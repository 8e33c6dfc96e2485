"use strict";
// The extension does what package.json promises.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const manifest = require("../package.json");
const { problem } = require("../src/configurations");

const source = fs.readFileSync(path.join(__dirname, "../src/extension.js"), "utf8");
const [debuggerEntry] = manifest.contributes.debuggers;

test("each command is registered, and no other", () => {
  const registered = [...source.matchAll(/registerCommand\("([\w.]+)"/g)].map((found) => found[1]);

  assert.deepEqual(
    registered.sort(),
    manifest.contributes.commands.map((each) => each.command).sort(),
  );
});

test("each menu entry is a command", () => {
  const known = new Set(manifest.contributes.commands.map((each) => each.command));

  for (const entry of Object.values(manifest.contributes.menus).flat()) {
    assert.ok(known.has(entry.command), entry.command);
  }
});

test("each snippet is a configuration without a problem, of described attributes", () => {
  const described = new Set(
    Object.keys(debuggerEntry?.configurationAttributes.launch.properties ?? {}),
  );
  assert.equal(debuggerEntry?.configurationSnippets.length, 4);
  for (const { body } of debuggerEntry?.configurationSnippets ?? []) {
    const given = /** @type {import("../src/configurations").Launch} */ (body);
    assert.equal(problem(given), undefined);
    for (const name of Object.keys(body)) {
      assert.ok(["name", "type", "request"].includes(name) || described.has(name), name);
    }
  }
});

test("the lock file names no registry", () => {
  const lock = fs.readFileSync(path.join(__dirname, "../package-lock.json"), "utf8");

  assert.doesNotMatch(lock, /"resolved"/);
});
