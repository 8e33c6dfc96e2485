"use strict";
// The line on top of each file that a recording has, and of a recording's metadata.

const path = require("node:path");
const vscode = require("vscode");
const { METADATA, recordingIn, thatHave } = require("./recordings");

/** @typedef {import("./recordings").Recording} Recording */

/** How many recordings of the workspace are looked at. */
const MOST = 200;

/** Provides a lens that opens the newest recording that has a file. */
class Lenses {
  /** @type {vscode.DocumentSelector} */
  static SELECTOR = [
    { language: "python", scheme: "file" },
    { pattern: `**/${METADATA}`, scheme: "file" },
  ];

  constructor() {
    const changed = new vscode.EventEmitter();
    this.onDidChangeCodeLenses = changed.event;
    /** @type {Promise<Recording[]> | undefined} */
    this.recordings = undefined;
    const forget = () => {
      this.recordings = undefined;
      changed.fire(undefined);
    };
    const watcher = vscode.workspace.createFileSystemWatcher(`**/${METADATA}`);
    this.parts = [
      changed,
      watcher,
      watcher.onDidCreate(forget),
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("codetracer.codeLens")) {
          forget();
        }
      }),
    ];
  }

  dispose() {
    this.parts.forEach((part) => part.dispose());
  }

  /**
   * @param {vscode.TextDocument} document
   * @returns {Promise<vscode.CodeLens[]>}
   */
  async provideCodeLenses(document) {
    if (!vscode.workspace.getConfiguration("codetracer", document).get("codeLens")) {
      return [];
    }
    if (path.basename(document.fileName) === METADATA) {
      const own = await recordingIn(path.dirname(document.fileName));
      return own === undefined ? [] : [lens(own)];
    }
    this.recordings ??= all();
    const [newest] = thatHave(await this.recordings, document.fileName);
    return newest === undefined ? [] : [lens(newest)];
  }
}

/** @returns {Promise<Recording[]>} the recordings of the workspace */
async function all() {
  const found = await vscode.workspace.findFiles(`**/${METADATA}`, "**/node_modules/**", MOST);
  const read = await Promise.all(found.map((uri) => recordingIn(path.dirname(uri.fsPath))));
  return read.filter((each) => each !== undefined);
}

/**
 * @param {Recording} recording
 * @returns {vscode.CodeLens}
 */
function lens(recording) {
  const started = new Date(recording.started);
  const when = Number.isNaN(started.getTime()) ? "" : `, recorded ${started.toLocaleString()}`;
  return new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), {
    title: `$(history) Open ${path.basename(recording.folder)}${when}`,
    command: "codetracer.openRecording",
    arguments: [vscode.Uri.file(recording.folder)],
  });
}

module.exports = { Lenses };
