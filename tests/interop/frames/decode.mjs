#!/usr/bin/env node
// Reads frames that our crates wrote with the npm package's own code, and compares what it
// finds. The arguments are the files of crates/channel-fbs/tests/data/frames/written.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const library = path.join(path.dirname(require.resolve("mediasoup")), "fbs");
const from = (name) => require(path.join(library, name));
const flatbuffers = require(require.resolve("flatbuffers", { paths: [library] }));

const { Message, Body: Kind } = from("message");
const { Response, Body: ResponseBody } = from("response");
const { Notification, Event, Body: NotificationBody } = from("notification");
const { Log } = from("log");
const WebRtc = from("web-rtc-transport");
const Producer = from("producer");
const { BaseStats, RecvStats, StatsData } = from("rtp-stream");

const checks = {
  accepted: (message) => {
    const response = responseOf(message, 4294967295);
    assert.equal(response.accepted(), true);
    assert.equal(response.bodyType(), ResponseBody.NONE);
    assert.equal(response.error(), null);
  },
  failure: (message) => {
    const response = responseOf(message, 9);
    assert.equal(response.accepted(), false);
    assert.equal(response.error(), "TypeError");
    assert.equal(response.reason(), "priority must not be 0");
  },
  webrtctransport_dump: (message) => {
    const response = responseOf(message, 3);
    assert.equal(response.bodyType(), ResponseBody.WebRtcTransport_DumpResponse);
    const dump = response.body(new WebRtc.DumpResponse()).unpack();
    assert.deepEqual(dump.base.producerIds, ["producer"]);
    assert.deepEqual({ ...dump.base.mapSsrcConsumerId[0] }, { key: 0xdeadbeef, value: "consumer" });
    assert.equal(dump.base.recvRtpHeaderExtensions.mid, 0);
    assert.equal(dump.base.recvRtpHeaderExtensions.rid, null);
    assert.equal(dump.base.recvRtpHeaderExtensions.absSendTime, 4);
    assert.equal(dump.base.maxSendMessageSize, 262144);
    assert.deepEqual(dump.base.traceEventTypes, [1]);
    assert.deepEqual({ ...dump.iceParameters }, {
      usernameFragment: "fragment", password: "password", iceLite: true,
    });
    assert.deepEqual(dump.iceCandidates.map((of) => of.foundation), ["udpcandidate", "tcpcandidate"]);
    assert.deepEqual(dump.iceCandidates.map((of) => of.protocol), [1, 2]);
    assert.deepEqual(dump.iceCandidates.map((of) => of.tcpType), [null, 0]);
    assert.equal(dump.iceCandidates[0].priority, 1076302079);
    assert.equal(dump.iceCandidates[1].port, 4443);
    assert.equal(dump.iceState, WebRtc.IceState.CONNECTED);
    assert.equal(dump.iceSelectedTuple, null);
    assert.equal(dump.dtlsParameters.role, WebRtc.DtlsRole.SERVER);
    assert.deepEqual({ ...dump.dtlsParameters.fingerprints[0] }, { algorithm: 2, value: "AB:CD" });
    assert.equal(dump.dtlsState, WebRtc.DtlsState.CONNECTING);
  },
  producer_stats: (message) => {
    const response = responseOf(message, 4);
    assert.equal(response.bodyType(), ResponseBody.Producer_GetStatsResponse);
    const stats = response.body(new Producer.GetStatsResponse()).stats(0);
    assert.equal(stats.dataType(), StatsData.RecvStats);
    const received = stats.data(new RecvStats());
    assert.equal(received.byteCount(), 1n << 40n);
    assert.equal(received.bitrate(), 5000000000n);
    assert.equal(received.bitrateByLayer(0).layer(), "0.1");
    assert.equal(received.bitrateByLayer(0).bitrate(), 250000n);
    assert.equal(received.base().dataType(), StatsData.BaseStats);
    const base = received.base().data(new BaseStats());
    assert.equal(base.timestamp(), 1n << 41n);
    assert.equal(base.ssrc(), 4000000000);
    assert.equal(base.mimeType(), "video/VP8");
    assert.equal(base.packetsLost(), -3);
    assert.equal(base.roundTripTime(), 12.5);
    assert.equal(base.score(), 10);
    assert.equal(base.rid(), null);
    assert.equal(base.rtxSsrc(), null);
  },
  running: (message) => {
    const notification = notificationOf(message, Event.WORKER_RUNNING);
    assert.equal(notification.handlerId(), "4711");
    assert.equal(notification.bodyType(), NotificationBody.NONE);
  },
  ice_state_change: (message) => {
    const notification = notificationOf(message, Event.WEBRTCTRANSPORT_ICE_STATE_CHANGE);
    assert.equal(notification.handlerId(), "transport");
    const body = notification.body(new WebRtc.IceStateChangeNotification());
    assert.equal(body.iceState(), WebRtc.IceState.COMPLETED);
  },
  log: (message) => {
    assert.equal(message.dataType(), Kind.Log);
    assert.equal(message.data(new Log()).data(), "Wice | no tuple");
  },
};

const responseOf = (message, id) => {
  assert.equal(message.dataType(), Kind.Response);
  const response = message.data(new Response());
  assert.equal(response.id(), id);
  return response;
};

const notificationOf = (message, event) => {
  assert.equal(message.dataType(), Kind.Notification);
  const notification = message.data(new Notification());
  assert.equal(notification.event(), event);
  return notification;
};

const files = process.argv.slice(2);
const names = files.map((file) => path.basename(file, ".bin"));
assert.deepEqual([...names].sort(), Object.keys(checks).sort(), "each frame once");
for (const [index, file] of files.entries()) {
  const frame = fs.readFileSync(file);
  assert.equal(frame.readUInt32LE(0), frame.length - 4, `${file}: prefix`);
  // The package cuts off the prefix before it reads.
  const payload = new flatbuffers.ByteBuffer(new Uint8Array(frame.subarray(4)));
  try {
    checks[names[index]](Message.getRootAsMessage(payload));
  } catch (error) {
    error.message = `${file}: ${error.message}`;
    throw error;
  }
}
console.log(`${files.length} frames read`);
