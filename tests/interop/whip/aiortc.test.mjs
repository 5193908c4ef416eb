// A player that is no browser: aiortc decodes what the page publishes.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openBrowser } from "../browser/browsers.mjs";
import { enterRoom } from "../browser/pages.mjs";
import { startServer } from "../browser/server.mjs";

const python = process.env.PYTHON ?? "python3";

test("aiortc plays a person of the page", async () => {
  const server = await startServer();
  const browser = await openBrowser("chromium");
  try {
    const page = await browser.newPage();
    await enterRoom(page, server.url, "aiortc", "Ann", "");
    await page.waitForFunction(() => globalThis.tureen.call.tracks.size >= 2);
    const script = fileURLToPath(new URL("play.py", import.meta.url));
    const { stdout } = await promisify(execFile)(python, [script, `${server.url}whep/aiortc/Ann`]);
    const { width, rate } = JSON.parse(stdout);
    assert.ok(width >= 160, stdout);
    assert.equal(rate, 48_000);
  } finally {
    await browser.close();
    assert.equal(await server.stop(), 0);
  }
});
