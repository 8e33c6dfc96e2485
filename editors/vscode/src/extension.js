"use strict";
// The extension that VS Code starts: the adapter, the commands, and the line on top of files.

const path = require("node:path");
const vscode = require("vscode");
const { completed, launch, problem, testAt, withoutConfiguration } = require("./configurations");
const { Lenses } = require("./lenses");

/** @typedef {import("./configurations").Launch} Launch */

/**
 * The interpreter that has codetracer installed.
 * @param {vscode.WorkspaceFolder | undefined} folder
 * @param {string | undefined} wanted the one that a configuration names
 * @returns {Promise<string>}
 */
async function interpreter(folder, wanted) {
  const set = vscode.workspace.getConfiguration("codetracer", folder).get("python");
  if (wanted || set) {
    return String(wanted || set);
  }
  const python = vscode.extensions.getExtension("ms-python.python");
  if (python !== undefined) {
    const api = await python.activate();
    const chosen = api?.environments?.getActiveEnvironmentPath?.(folder?.uri)?.path;
    const found = await api?.environments?.resolveEnvironment?.(chosen);
    const executable = found?.executable?.uri?.fsPath ?? chosen;
    if (typeof executable === "string" && executable !== "python") {
      return executable;
    }
  }
  return process.platform === "win32" ? "python" : "python3";
}

/** Completes configurations, and says what is wrong with them. */
class Configurations {
  /**
   * @param {vscode.WorkspaceFolder | undefined} folder
   * @param {vscode.DebugConfiguration} given
   * @returns {vscode.DebugConfiguration | undefined}
   */
  resolveDebugConfiguration(folder, given) {
    const isEmpty = !given.type && !given.request && !given.name;
    const known = isEmpty
      ? withoutConfiguration(vscode.window.activeTextEditor?.document.languageId)
      : /** @type {Launch} */ (given);
    const wrong =
      known === undefined ? "open a Python file, or write a launch.json" : problem(known);
    if (known === undefined || wrong !== undefined) {
      void vscode.window.showErrorMessage(`CodeTracer: ${wrong}`);
      return undefined;
    }
    return completed(known, folder?.uri.fsPath);
  }

  /** @returns {vscode.DebugConfiguration[]} what a new launch.json has */
  provideDebugConfigurations() {
    return [
      { ...launch("Record the current file"), program: "${file}" },
      { ...launch("Open a recording"), recording: "${workspaceFolder}/trace-out" },
    ];
  }
}

/** Starts `codetracer dap`. */
class Adapters {
  /**
   * @param {vscode.DebugSession} session
   * @returns {Promise<vscode.DebugAdapterDescriptor>}
   */
  async createDebugAdapterDescriptor(session) {
    const python = await interpreter(session.workspaceFolder, session.configuration.python);
    return new vscode.DebugAdapterExecutable(python, ["-m", "codetracer", "dap"]);
  }
}

/**
 * Begin a session.
 * @param {vscode.Uri | undefined} near a file or folder of the workspace folder that it is for
 * @param {Launch} configuration
 */
async function begin(near, configuration) {
  const folder = near && vscode.workspace.getWorkspaceFolder(near);
  await vscode.debug.startDebugging(folder, configuration);
}

/** Record the file that is open. */
async function recordFile() {
  const document = vscode.window.activeTextEditor?.document;
  if (document === undefined || !(await document.save())) {
    return;
  }
  const name = `Record ${path.basename(document.fileName)}`;
  await begin(document.uri, { ...launch(name), program: document.fileName });
}

/** Record the test around the cursor. */
async function recordTest() {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || !(await editor.document.save())) {
    return;
  }
  const test = testAt(editor.document.getText().split(/\r?\n/), editor.selection.active.line);
  if (test === undefined) {
    const where = `line ${editor.selection.active.line + 1}`;
    void vscode.window.showErrorMessage(`CodeTracer: ${where} is in no function named test…`);
    return;
  }
  const pytest = `${editor.document.fileName}::${test}`;
  await begin(editor.document.uri, { ...launch(`Record ${test}`), pytest });
}

/**
 * Open a recording.
 * @param {vscode.Uri | undefined} chosen its folder or a log in it; if undefined, the user is asked
 */
async function openRecording(chosen) {
  const asked = { canSelectFolders: true, canSelectFiles: false, openLabel: "Open Recording" };
  const uri = chosen ?? (await vscode.window.showOpenDialog(asked))?.[0];
  if (uri !== undefined) {
    const name = `Open ${path.basename(uri.fsPath)}`;
    await begin(uri, { ...launch(name), recording: uri.fsPath });
  }
}

/** @param {vscode.ExtensionContext} context */
function activate(context) {
  const lenses = new Lenses();
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider("codetracer", new Configurations()),
    vscode.debug.registerDebugAdapterDescriptorFactory("codetracer", new Adapters()),
    vscode.commands.registerCommand("codetracer.recordFile", recordFile),
    vscode.commands.registerCommand("codetracer.recordTest", recordTest),
    vscode.commands.registerCommand("codetracer.openRecording", openRecording),
    vscode.languages.registerCodeLensProvider(Lenses.SELECTOR, lenses),
    lenses,
  );
}

module.exports = { activate };
