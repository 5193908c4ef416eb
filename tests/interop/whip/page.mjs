// The page of the suite: the clients under test as they come from npm, with no word of ours in them.
import { WHIPClient } from "whip-whep/whip.js";
import { WHEPClient } from "whip-whep/whep.js";
import { WHIPClient as EyevinnPublisher } from "@eyevinn/whip-web-client";
import { WebRTCPlayer as EyevinnPlayer } from "@eyevinn/webrtc-player";

const connections = [];
const Native = RTCPeerConnection;
// The clients keep their connections to themselves; the test wants their statistics.
globalThis.RTCPeerConnection = class extends Native {
  constructor(...args) {
    super(...args);
    connections.push(this);
  }
};

const camera = () => navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });

async function publishWithWhipWhep(url, token) {
  const pc = new RTCPeerConnection();
  for (const track of (await camera()).getTracks()) pc.addTransceiver(track, { direction: "sendonly" });
  const client = new WHIPClient();
  await client.publish(pc, url, token);
  globalThis.client = client;
}

async function publishWithEyevinn(url, authkey) {
  const client = new EyevinnPublisher({ endpoint: url, opts: { iceServers: [], ...(authkey && { authkey }) } });
  await client.setIceServersFromEndpoint();
  await client.ingest(await camera());
  globalThis.client = client;
}

/** Publishes three sizes of one picture; the server says which it takes. */
async function publishSimulcast(url) {
  const pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
  pc.addTransceiver(stream.getVideoTracks()[0], {
    direction: "sendonly",
    sendEncodings: [
      { rid: "q", scaleResolutionDownBy: 4 },
      { rid: "h", scaleResolutionDownBy: 2 },
      { rid: "f" },
    ],
  });
  const client = new WHIPClient();
  await client.publish(pc, url);
  globalThis.client = client;
}

/** Publishes with a certificate that browsers make only if they are asked. */
async function publishWithRsa(url) {
  const certificate = await RTCPeerConnection.generateCertificate({
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  });
  const pc = new RTCPeerConnection({ certificates: [certificate] });
  for (const track of (await camera()).getTracks()) pc.addTransceiver(track, { direction: "sendonly" });
  await new WHIPClient().publish(pc, url);
}

async function playWithWhipWhep(url, token) {
  const pc = new RTCPeerConnection();
  for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
  // Nothing counts as heard that nobody plays.
  pc.addEventListener("track", ({ streams }) => ([document.querySelector("video").srcObject] = streams));
  const client = new WHEPClient();
  await client.view(pc, url, token);
  globalThis.client = client;
}

async function playWithEyevinn(url) {
  const video = document.querySelector("video");
  const player = new EyevinnPlayer({ video, type: "whep", iceServers: [] });
  await player.load(new URL(url));
  globalThis.client = player;
}

/** What the connections of this page have sent and received. */
async function media() {
  const sum = { decoded: 0, energy: 0, sent: 0, height: 0, rids: [], states: connections.map((pc) => pc.connectionState) };
  for (const pc of connections) {
    for (const report of (await pc.getStats()).values()) {
      if (report.type === "inbound-rtp") {
        sum.decoded += report.framesDecoded ?? 0;
        sum.energy += report.totalAudioEnergy ?? 0;
        sum.height = Math.max(sum.height, report.frameHeight ?? 0);
      } else if (report.type === "outbound-rtp") {
        sum.sent += report.framesEncoded ?? 0;
        if (report.rid && report.active) sum.rids.push(report.rid);
      }
    }
  }
  return sum;
}

/** New ICE credentials by RFC 9725 §4.3.3, written out: whip-whep joins several candidates with commas, which no browser reads. */
async function restartIce() {
  const { pc, resourceURL } = globalThis.client;
  const before = pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)\r\n/)[1];
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  const local = pc.localDescription.sdp;
  const line = (name) => local.match(new RegExp(`a=${name}:.*\r\n`))[0];
  const response = await fetch(resourceURL, {
    method: "PATCH",
    headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" },
    body: line("ice-ufrag") + line("ice-pwd"),
  });
  const text = await response.text();
  const read = (name) => text.match(new RegExp(`a=${name}:(.*)\r\n`))[1];
  const sdp = pc.remoteDescription.sdp
    .replaceAll(/a=ice-ufrag:.*\r\n/g, `a=ice-ufrag:${read("ice-ufrag")}\r\n`)
    .replaceAll(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${read("ice-pwd")}\r\n`);
  await pc.setRemoteDescription({ type: "answer", sdp });
  return {
    status: response.status,
    tag: response.headers.get("etag"),
    isNew: read("ice-ufrag") !== before,
    candidates: [...text.matchAll(/^a=candidate:/gm)].length,
  };
}

Object.assign(globalThis, {
  publishWithWhipWhep, publishWithEyevinn, publishWithRsa, publishSimulcast, playWithWhipWhep, playWithEyevinn, media, restartIce,
});
