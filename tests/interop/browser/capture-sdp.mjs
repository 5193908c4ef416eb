// Prints what a real browser offers, for the test data of crates/server/src/sdp.
//
//   node capture-sdp.mjs chromium|firefox DIRECTORY
//
// Writes <browser>-publish.sdp (audio and video, sendonly), <browser>-publish-screen.sdp (the same
// connection with a second video added) and <browser>-receive.sdp (recvonly, from which receive
// capabilities are read).
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { openBrowser } from "./browsers.mjs";

const [name, directory] = process.argv.slice(2);

const page = async () => {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: 320, height: 180 },
  });
  const publisher = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    publisher.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  }
  const publish = await publisher.createOffer();
  await publisher.setLocalDescription(publish);
  publisher.addTransceiver("video", { direction: "sendonly" });
  const screen = await publisher.createOffer();

  const receiver = new RTCPeerConnection();
  receiver.addTransceiver("audio", { direction: "recvonly" });
  receiver.addTransceiver("video", { direction: "recvonly" });
  const receive = await receiver.createOffer();
  return { publish: publish.sdp, "publish-screen": screen.sdp, receive: receive.sdp };
};

const server = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>capture</title>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await openBrowser(name);
try {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  for (const [kind, sdp] of Object.entries(await tab.evaluate(page))) {
    writeFileSync(join(directory, `${name}-${kind}.sdp`), sdp);
  }
} finally {
  await browser.close();
  server.close();
}
