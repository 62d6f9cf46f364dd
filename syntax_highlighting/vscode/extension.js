// Starts `forgather lsp` for templates. Highlighting works without this file; what is here needs the
// package vscode-languageclient (`npm install` in this folder) and a forgather with the extra "lsp".
"use strict";

const vscode = require("vscode");

let client;

async function activate() {
  let languageclient;
  try {
    languageclient = require("vscode-languageclient/node");
  } catch (error) {
    vscode.window.showWarningMessage(
      `Forgather: highlighting only; the language client could not be loaded (${error.message}). ` +
        "Run `npm install` in the folder of the extension."
    );
    return;
  }
  const [command, ...args] = vscode.workspace.getConfiguration("forgather").get("command");
  client = new languageclient.LanguageClient(
    "forgather",
    "Forgather",
    { command, args, transport: languageclient.TransportKind.stdio },
    { documentSelector: [{ scheme: "file", language: "forgather" }] }
  );
  await client.start();
}

function deactivate() {
  return client ? client.stop() : undefined;
}

module.exports = { activate, deactivate };
