// Debian's simple-whip-client, which publishes by GStreamer with an RSA certificate: a person on the
// page sees and hears it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "../browser/browsers.mjs";
import { enterRoom, seen } from "../browser/pages.mjs";
import { startServer } from "../browser/server.mjs";

/**
 * The client of Debian 12 links libsoup 2, and webrtcbin brings libsoup 3 along by way of UPnP: the
 * two abort each other before anything is sent. An empty UPnP library keeps libsoup 3 out.
 */
function withoutUpnp(directory) {
  const names = ["get_type", "thread_new", "add_port", "remove_port_local"];
  const source = join(directory, "igd.c");
  writeFileSync(source, names.map((name) => `void *gupnp_simple_igd_${name}(void) { return 0; }\n`).join(""));
  const library = "libgupnp-igd-1.0.so.4";
  execFileSync("cc", ["-shared", "-fPIC", `-Wl,-soname,${library}`, "-o", join(directory, library), source]);
  return { ...process.env, LD_LIBRARY_PATH: directory };
}

test("simple-whip-client publishes with its RSA certificate, and a person of the page sees and hears it", async () => {
  const server = await startServer();
  const browser = await openBrowser("chromium");
  const directory = mkdtempSync(join(tmpdir(), "tureen-gstreamer-"));
  const pipeline = (source, codec, media, name, payload) =>
    `${source} is-live=true ! ${codec} ! application/x-rtp,media=${media},encoding-name=${name},payload=${payload}`;
  const client = spawn("whip-client", [
    "--disable-colors", "--log-level=6", "--url", `${server.url}whip/gstreamer?name=GStreamer`,
    "--audio", pipeline("audiotestsrc", "opusenc ! rtpopuspay pt=100", "audio", "OPUS", 100),
    "--video", pipeline("videotestsrc", "videoconvert ! vp8enc deadline=1 ! rtpvp8pay pt=96", "video", "VP8", 96),
  ], { env: withoutUpnp(directory), stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  for (const stream of [client.stdout, client.stderr]) stream.on("data", (data) => (out += data));
  const exited = once(client, "exit");
  try {
    const person = await browser.newPage();
    await enterRoom(person, server.url, "gstreamer", "Ann");
    const before = await seen(person, "GStreamer").catch((error) => assert.fail(`${error.message}\n${out}\n${server.log()}`));
    await seen(person, "GStreamer", before);
    for (const step of [/Resource URL: \S+\/whip\/gstreamer\/sessions\//, /Sending candidates/, /ICE connected/, /DTLS connected/]) {
      assert.match(out, step);
    }
  } finally {
    client.kill("SIGKILL");
    await exited;
    rmSync(directory, { recursive: true });
    await browser.close();
    assert.equal(await server.stop(), 0);
  }
});
