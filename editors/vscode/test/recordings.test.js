"use strict";
// Finds the recordings that have a file, and passes over other folders.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, test } = require("node:test");
const { METADATA, recordingIn, thatHave } = require("../src/recordings");

const top = fs.mkdtempSync(path.join(os.tmpdir(), "recordings-"));
after(() => fs.rmSync(top, { recursive: true }));

/**
 * @param {string} content of the metadata
 * @returns {string} a new folder with them
 */
function folder(content) {
  const made = fs.mkdtempSync(path.join(top, "one-"));
  fs.writeFileSync(path.join(made, METADATA), content);
  return made;
}

/**
 * @param {object} more
 * @returns {string}
 */
function recording(more) {
  return folder(JSON.stringify({ format: "codetracer", workdir: "/shop", ...more }));
}

test("a recording has the files of its sources, also those in its working directory", async () => {
  const made = recording({ sources: { "app.py": "app.py", "/lib/tax.py": "lib/tax.py" } });

  const found = await recordingIn(made);

  assert.equal(found?.folder, made);
  assert.deepEqual([...(found?.files ?? [])], ["/shop/app.py", "/lib/tax.py"]);
});

test("of the recordings that have a file the newest is first", async () => {
  const read = await Promise.all([
    recordingIn(recording({ started: "2026-01-01T00:00:00Z", sources: { "app.py": "a" } })),
    recordingIn(recording({ started: "2026-03-01T00:00:00Z", sources: { "app.py": "a" } })),
    recordingIn(recording({ started: "2026-02-01T00:00:00Z", sources: { "app.py": "a" } })),
    recordingIn(recording({ started: "2026-04-01T00:00:00Z", sources: { "tax.py": "a" } })),
  ]);
  const known = read.filter((each) => each !== undefined);

  const months = thatHave(known, "/shop/app.py").map((each) => each.started.slice(5, 7));

  assert.deepEqual(months, ["03", "02", "01"]);
  assert.deepEqual(thatHave(known, "/shop/nothing.py"), []);
});

test("what is no recording is passed over", async () => {
  for (const content of ["", "[]", "null", "{", '{"format": "other"}']) {
    assert.equal(await recordingIn(folder(content)), undefined);
  }
  assert.equal(await recordingIn("/there/is/no/such/folder"), undefined);
});

test("metadata that are damaged in parts are read as far as they go", async () => {
  const found = await recordingIn(recording({ workdir: 3, sources: "x", started: null }));

  assert.deepEqual([found?.started, found?.files.size], ["", 0]);
});
