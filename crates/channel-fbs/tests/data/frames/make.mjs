#!/usr/bin/env node
// Writes the golden frames of this directory: what the npm package sends to its worker.
// See README.md beside this file.

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.resolve("package.json"));

// Ids and SSRCs are random in the package; here they count, so that every run writes the same.
let ids = 0;
crypto.randomUUID = () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`;
let numbers = 100_000_000;
crypto.randomInt = () => ++numbers;

const mediasoup = require("mediasoup");
process.env.FRAMES_DIR = process.argv[2] ?? here;
process.env.FBS_DIR = path.join(path.dirname(require.resolve("mediasoup")), "fbs");

const worker = await mediasoup.createWorker({ workerBin: path.join(here, "recorder.cjs") });
await worker.updateSettings({ logLevel: "debug", logTags: ["ice", "dtls"] });
await worker.createWebRtcServer({
  listenInfos: [
    { protocol: "udp", ip: "127.0.0.1", port: 44444 },
    { protocol: "tcp", ip: "::1", announcedAddress: "media.example", portRange: { min: 40000, max: 40100 } },
  ],
});
const router = await worker.createRouter({
  mediaCodecs: [
    { kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2, preferredPayloadType: 100 },
    {
      kind: "video", mimeType: "video/H264", clockRate: 90000, preferredPayloadType: 101,
      parameters: { "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1 },
    },
  ],
});
const transport = await router.createWebRtcTransport({
  listenInfos: [{
    protocol: "udp", ip: "0.0.0.0", announcedAddress: "192.0.2.7", exposeInternalIp: true,
    portRange: { min: 50000, max: 50010 }, flags: { udpReusePort: true }, sendBufferSize: 1 << 20,
  }],
  enableTcp: true, enableSctp: true, initialAvailableOutgoingBitrate: 5_000_000_000, iceConsentTimeout: 20,
});
await transport.connect({
  dtlsParameters: { role: "client", fingerprints: [{ algorithm: "sha-256", value: Array(32).fill("AB").join(":") }] },
});
await transport.setMaxIncomingBitrate(1_500_000);
const producer = await transport.produce({
  id: "a producer of any name",
  kind: "video",
  keyFrameRequestDelay: 5000,
  rtpParameters: {
    mid: "V1",
    codecs: [
      {
        mimeType: "video/H264", payloadType: 112, clockRate: 90000,
        parameters: { "packetization-mode": 1, "profile-level-id": "42e01f" },
        rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "goog-remb" }],
      },
      { mimeType: "video/rtx", payloadType: 113, clockRate: 90000, parameters: { apt: 112 } },
    ],
    headerExtensions: [
      { uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 10 },
      { uri: "urn:3gpp:video-orientation", id: 13 },
    ],
    encodings: [
      { ssrc: 22222222, rtx: { ssrc: 22222223 }, scalabilityMode: "L1T3" },
      { ssrc: 22222224, rtx: { ssrc: 22222225 } },
      { ssrc: 22222226, rtx: { ssrc: 22222227 }, dtx: true, maxBitrate: 6_000_000_000 },
    ],
    rtcp: { cname: "video-1" },
  },
});
const rtpCapabilities = router.rtpCapabilities;
const consumer = await transport.consume({
  producerId: producer.id, rtpCapabilities, paused: true, preferredLayers: { spatialLayer: 2, temporalLayer: 1 },
});
await consumer.setPriority(200);
await transport.consumeData({
  dataProducerId: (await transport.produceData({
    sctpStreamParameters: { streamId: 65534, ordered: false, maxPacketLifeTime: 5000 },
    label: "chat", protocol: "json",
  })).id,
  subchannels: [1, 65535],
});
const direct = await router.createDirectTransport({ maxSendMessageSize: 9000 });
const injected = await direct.produceData({});
injected.send(Buffer.from("gr\u00fc\u00df dich"), undefined, [7, 8], 8);
const ended = new Promise((resolve) => worker.on("subprocessclose", resolve));
worker.close();
await ended;
