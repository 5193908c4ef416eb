// mediasoup-client in Firefox, in a call with Chromium, through our worker driven by mediasoup.
import { test } from "node:test";
import { networkInterfaces } from "node:os";
import { openBrowser } from "../browser/browsers.mjs";
import { startCall, withPeers } from "./calls.mjs";
import { endWorker, startWorker } from "./worker.mjs";

// Firefox sends nothing to 127.0.0.1.
const ip = Object.values(networkInterfaces()).flat().find(({ family, internal }) => family === "IPv4" && !internal)?.address;

test("Firefox and Chromium send to each other", { skip: !ip && "no interface but loopback" }, async () => {
  const worker = await startWorker();
  const browsers = [];
  try {
    for (const name of ["firefox", "chromium"]) browsers.push(await openBrowser(name));
    const listenInfos = [{ protocol: "udp", ip }];
    await withPeers(worker, browsers, { listenInfos }, async (signaling, ann, bob) => {
      await startCall(signaling, ann, bob, "video/VP8");
      await startCall(signaling, bob, ann, "video/VP8");
    });
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    await endWorker(worker);
  }
});
