"use strict";
// Recordings on disk. Knows nothing of VS Code, so that it can be tested without.

const fs = require("node:fs/promises");
const path = require("node:path");

/** The file that a folder has if it is a recording. */
const METADATA = "trace_metadata.json";

/** The largest metadata that are read: a file of this name may be anything. */
const LARGEST = 16 * 1024 * 1024;

/**
 * A recording.
 * @typedef {{ folder: string, started: string, files: Set<string> }} Recording
 */

/**
 * The recording in a folder.
 * @param {string} folder
 * @returns {Promise<Recording | undefined>} undefined if it is none, or none that can be read
 */
async function recordingIn(folder) {
  /** @type {unknown} */
  let metadata;
  try {
    const file = path.join(folder, METADATA);
    const status = await fs.stat(file);
    if (!status.isFile() || status.size > LARGEST) {
      return undefined;
    }
    metadata = JSON.parse(await fs.readFile(file, "utf8"));
  } catch {
    return undefined;
  }
  if (typeof metadata !== "object" || metadata === null) {
    return undefined;
  }
  const known = /** @type {Record<string, unknown>} */ (metadata);
  if (known.format !== "codetracer") {
    return undefined;
  }
  const workdir = typeof known.workdir === "string" ? known.workdir : folder;
  const sources = typeof known.sources === "object" && known.sources !== null ? known.sources : {};
  return {
    folder,
    started: typeof known.started === "string" ? known.started : "",
    files: new Set(Object.keys(sources).map((file) => path.resolve(workdir, file))),
  };
}

/**
 * The recordings that have a file, the newest one first.
 * @param {Iterable<Recording>} recordings
 * @param {string} file its absolute path
 * @returns {Recording[]}
 */
function thatHave(recordings, file) {
  const found = [...recordings].filter((recording) => recording.files.has(file));
  return found.sort((one, other) => (one.started < other.started ? 1 : -1));
}

module.exports = { METADATA, recordingIn, thatHave };
