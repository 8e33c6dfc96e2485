// Steps through recordings with VS Code's own client for tests of adapters, and prints what it saw.
//
// node walk.js PORT PYTHON DAP.PY PROGRAMS.JSON: a server at a port, and one to be started. The last
// one has, for each program, the folder of its recording and the functions with which its other
// threads and processes begin. For each program a line of JSON is printed: for each thread what was
// seen forwards, and what backwards.

"use strict";

const assert = require("assert");
const fs = require("fs");
const path = require("path");
const { DebugClient } = require("@vscode/debugadapter-testsupport");

const [port, python, server, programs] = process.argv.slice(2);
const IN = { granularity: "instruction" };

async function connected(use, at) {
  const client = new DebugClient(python, server, "codetracer", undefined, true);
  client.defaultTimeout = 60000;
  await client.start(at);
  try {
    return await use(client);
  } finally {
    await client.stop();
  }
}

async function go(client, send) {
  const [event] = await Promise.all([client.waitForEvent("stopped"), send()]);
  return event.body;
}

async function row(client, threadId) {
  const { stackFrames } = (await client.stackTraceRequest({ threadId })).body;
  const variables = {};
  for (const scope of (await client.scopesRequest({ frameId: stackFrames[0].id })).body.scopes) {
    const { variablesReference } = scope;
    const found = (await client.variablesRequest({ variablesReference })).body.variables;
    variables[scope.name] = Object.fromEntries(found.map((each) => [each.name, each.value]));
  }
  return { stack: stackFrames.map((frame) => [frame.name, frame.line]), ...variables };
}

async function rows(client, threadId, send) {
  const found = [];
  for (let stop = {}; !stop.description; stop = await go(client, send)) {
    found.push(await row(client, threadId));
  }
  return found;
}

async function walk(client, threadId) {
  const forwards = await rows(client, threadId, () => client.stepInRequest({ threadId }));
  const backwards = await rows(client, threadId, () => client.stepBackRequest({ threadId, ...IN }));
  return [forwards, backwards];
}

async function walkAll(client, folder, others) {
  await Promise.all([
    client.configurationSequence(),
    client.launch({ recording: path.join(folder, "out"), stopOnEntry: true }),
    client.assertStoppedLocation("entry", { path: path.join(folder, "app.py"), line: 1 }),
  ]);
  const walks = [await walk(client, 1)];
  for (const name of others) {
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name }] });
    const back = () => client.reverseContinueRequest({ threadId: 1 });
    while (!(await go(client, back)).description);
    const stop = await go(client, () => client.continueRequest({ threadId: 1 }));
    assert.equal(stop.reason, "function breakpoint");
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    const threadId = stop.threadId;
    const first = () => client.stepBackRequest({ threadId, ...IN });
    while (!(await go(client, first)).description);
    walks.push(await walk(client, threadId));
  }
  return walks;
}

// The client's own way to a breakpoint, in a program that is recorded first.
async function recordFirst(folder) {
  await connected(async (client) => {
    const program = path.join(folder, "app.py");
    const launch = { program, cwd: folder };
    await client.hitBreakpoint(launch, { path: program, line: 4 });
    const { targets } = (await client.completionsRequest({ text: "sou", column: 4 })).body;
    assert.deepEqual(targets.map((each) => each.label), ["source"]);
    const refused = client.evaluateRequest({ expression: "hanoi(1)" });
    await assert.rejects(refused, /nothing of the program is run/);
    const { modules } = (await client.modulesRequest({})).body;
    assert.deepEqual(modules.map((each) => each.name), ["__main__"]);
  });
}

async function main() {
  const chosen = JSON.parse(fs.readFileSync(programs, "utf8"));
  await recordFirst(chosen[0].folder);
  for (const { folder, others } of chosen) {
    const walks = await connected((client) => walkAll(client, folder, others), Number(port));
    process.stdout.write(`${JSON.stringify(walks)}\n`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
