// A person alone in a room with the bot of `tureen join --publish-demo`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { enterRoom, hearsAndSees, until } from "./pages.mjs";
import { binary, startServer } from "./server.mjs";

/** Starts a bot; resolves once it says `ready`, with `says(text)` and `leave()`, which resolves with the exit code. */
async function startBot(url, ready) {
  const bot = spawn(binary, ["join", "--publish-demo", url], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(bot, "exit");
  let out = "";
  for (const stream of [bot.stdout, bot.stderr]) stream.on("data", (data) => (out += data));
  const says = async (text) => {
    while (!out.includes(text)) {
      const ended = await Promise.race([once(bot.stdout, "data"), exited.then(() => true)]);
      assert.ok(ended !== true || out.includes(text), `the bot has ended without "${text}":\n${out}`);
    }
  };
  await says(ready);
  return {
    says,
    leave: async () => {
      bot.kill("SIGINT");
      const [code] = await exited;
      return code;
    },
  };
}

test("a person sees and hears the bot, and that it leaves", async () => {
  const server = await startServer();
  const browser = await openBrowser("chromium");
  let bot;
  try {
    bot = await startBot(`${server.url}room/soup`, "Publishing a test picture");
    const page = await browser.newPage();
    await enterRoom(page, server.url, "soup", "Ann");
    await bot.says("Ann has come in.");
    let before = await until(page, "the bot is seen and heard", hearsAndSees, { who: "Bot" });
    // For longer than the picture's loop of four seconds, so that its seam is crossed.
    const start = Date.now();
    while (Date.now() - start < 5000) {
      before = await until(page, "the bot goes on", hearsAndSees, { who: "Bot", before });
    }
    const video = await until(page, "the tile of the bot", () => {
      const tile = [...document.querySelectorAll(".tile")].find((one) => one.querySelector(".name")?.textContent.includes("Bot"));
      const element = tile?.querySelector("video");
      return element && { width: element.videoWidth, height: element.videoHeight, paused: element.paused };
    });
    assert.deepEqual(video, { width: 640, height: 360, paused: false });
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });

    assert.equal(await bot.leave(), 0);
    await until(page, "the bot is gone", () => {
      const { call } = globalThis.tureen;
      return call.participants.size === 1 && ![...call.tracks.values()].some((track) => !track.transceiver);
    });
  } finally {
    await browser.close();
    await bot?.leave().catch(() => {});
    assert.equal(await server.stop(), 0, server.log());
  }
});
