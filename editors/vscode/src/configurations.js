"use strict";
// Reads launch configurations. It imports nothing of VS Code, and so can be tested without it.

/**
 * A launch configuration of the type `codetracer`, as the user wrote it.
 * @typedef {{
 *   type: string, request: string, name: string,
 *   recording?: string, program?: string, module?: string, code?: string, pytest?: string,
 *   args?: string[], cwd?: string, env?: Record<string, string>, stopOnEntry?: boolean,
 *   python?: string,
 * }} Launch
 */

/** What can be recorded or opened; a configuration names one of them. */
const SUBJECTS = /** @type {const} */ (["recording", "program", "module", "code", "pytest"]);

/**
 * The configuration that F5 starts where there is none: the file that is open.
 * @param {string | undefined} languageId the language of the file that is open
 * @returns {Launch | undefined}
 */
function withoutConfiguration(languageId) {
  if (languageId !== "python") {
    return undefined;
  }
  return { ...launch("Record the current file"), program: "${file}" };
}

/**
 * @param {string} name
 * @returns {Launch}
 */
function launch(name) {
  return { type: "codetracer", request: "launch", name };
}

/**
 * What is wrong with a configuration.
 * @param {Launch} given
 * @returns {string | undefined} a sentence for the user; undefined if nothing is
 */
function problem(given) {
  if (given.request !== "launch") {
    return `"request" is "${given.request}"; a recording can only be launched`;
  }
  const named = SUBJECTS.filter((subject) => given[subject] !== undefined);
  if (named.length === 1) {
    return undefined;
  }
  const choice = '"recording", "program", "module", "code" or "pytest"';
  return named.length === 0
    ? `the configuration "${given.name}" names nothing to open; give it one of ${choice}`
    : `the configuration "${given.name}" has ${named.map((each) => `"${each}"`).join(" and ")};` +
        ` give it only one of ${choice}`;
}

/**
 * The configuration with what it leaves out.
 * @param {Launch} given a configuration without a problem
 * @param {string | undefined} folder the folder of the workspace
 * @returns {Launch}
 */
function completed(given, folder) {
  const cwd = given.cwd ?? folder;
  return cwd === undefined ? given : { ...given, cwd };
}

/**
 * The id of the test around a line, as pytest takes it after the file.
 * @param {string[]} lines the lines of the file
 * @param {number} line the number of the line, from 0
 * @returns {string | undefined} such as `TestShop::test_sale`; undefined if no test is there
 */
function testAt(lines, line) {
  /** @type {string[]} */
  const names = [];
  // The line itself may be deeper than what it is in.
  let indent = Infinity;
  for (let number = line; number >= 0; number -= 1) {
    const text = lines[number] ?? "";
    const found = /^(\s*)(?:async\s+def|def|class)\s+(\w+)/.exec(text);
    const own = /^\s*/.exec(text)?.[0].length ?? 0;
    if (found?.[2] !== undefined && own < indent) {
      names.unshift(found[2]);
      indent = own;
    } else if (text.trim() !== "" && number !== line && own < indent && !/^\s*[)\]}#@]/.test(text)) {
      indent = Math.min(indent, own + 1);
    }
    if (indent === 0) {
      break;
    }
  }
  const test = names.findIndex((name) => name.startsWith("test"));
  return test < 0 ? undefined : names.slice(0, test + 1).join("::");
}

module.exports = { completed, launch, problem, testAt, withoutConfiguration };
