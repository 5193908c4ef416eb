// WebRTC transports of our worker as the npm package sees them: candidates, ports, ICE and DTLS
// parameters, bitrates, dumps and statistics before anything is connected.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { endWorker, freePort, opusCodec, startWorker } from "./worker.mjs";

let worker;
let router;

before(async () => {
  worker = await startWorker();
  router = await worker.createRouter({ mediaCodecs: [opusCodec] });
});

after(async () => {
  if (!worker) return;
  assert.equal(worker.died, false);
  await endWorker(worker);
});

const udp = { protocol: "udp", ip: "127.0.0.1" };
const tcp = { protocol: "tcp", ip: "127.0.0.1" };

test("candidates of the transport's own sockets", async () => {
  const { iceCandidates } = await router.createWebRtcTransport({
    listenInfos: [
      { ...udp, announcedAddress: "9.9.9.1", exposeInternalIp: true },
      { ...tcp, announcedAddress: "9.9.9.1" },
      { ...udp, announcedAddress: "foo1.example.org" },
      tcp,
    ],
    // These are for transports on a WebRTC server.
    enableUdp: false,
    preferTcp: true,
  });
  const [first, second, third, fourth] = [0, 2, 3, 4].map((index) => iceCandidates[index].port);
  assert.deepEqual(iceCandidates, [
    candidate("udp", "9.9.9.1", first, priority(0)),
    candidate("udp", "127.0.0.1", first, priority(0) - 1000),
    candidate("tcp", "9.9.9.1", second, priority(1)),
    candidate("udp", "foo1.example.org", third, priority(2)),
    candidate("tcp", "127.0.0.1", fourth, priority(3)),
  ]);
});

test("candidates of a WebRTC server", async () => {
  const port = await freePort();
  const server = await worker.createWebRtcServer({ listenInfos: [{ ...udp, port }, { ...tcp, port }] });
  const candidates = async (options) => (await router.createWebRtcTransport({ webRtcServer: server, ...options })).iceCandidates;
  const [overUdp, overTcp] = ["udp", "tcp"].map((protocol) => (priority) => candidate(protocol, "127.0.0.1", port, priority));
  assert.deepEqual(await candidates(), [overUdp(priority(0)), overTcp(priority(1))]);
  assert.deepEqual(await candidates({ enableTcp: false }), [overUdp(priority(0))]);
  assert.deepEqual((await candidates({ enableUdp: false, enableTcp: true })).map(({ protocol }) => protocol), ["tcp"]);
  const preferred = await candidates({ preferTcp: true });
  assert.ok(preferred[1].priority > preferred[0].priority);
  const [{ iceParameters: one }, { iceParameters: other }] = await Promise.all(
    [0, 1].map(() => router.createWebRtcTransport({ webRtcServer: server })));
  assert.notEqual(one.usernameFragment, other.usernameFragment);
  server.close();
});

test("ports: a fixed one, a range, and ones in use", async () => {
  const create = (listenInfo) => router.createWebRtcTransport({ listenInfos: [listenInfo] });
  const port = await freePort();
  const fixed = await create({ ...udp, port });
  assert.equal(fixed.iceCandidates[0].port, port);
  await assert.rejects(create({ ...udp, port }), { name: "Error" });
  // TCP has ports of its own.
  await create({ ...tcp, port });
  await assert.rejects(create({ ...tcp, port }), { name: "Error" });

  const portRange = await freePair();
  const ports = [await create({ ...udp, portRange }), await create({ ...udp, portRange })].map(({ iceCandidates: [{ port }] }) => port);
  assert.deepEqual(ports.sort(), [portRange.min, portRange.max]);
  await assert.rejects(create({ ...udp, portRange }), { name: "Error" });
  await assert.rejects(create({ ...udp, portRange: { min: 4000, max: 3999 } }), { name: "TypeError" });

  // What a failed request had opened is closed again, and a closed transport's port is free.
  const free = await freePort();
  await assert.rejects(router.createWebRtcTransport({ listenInfos: [{ ...udp, port: free }, { ...udp, port }] }), { name: "Error" });
  await create({ ...udp, port: free });
  fixed.close();
  await create({ ...udp, port });
});

test("wrong ways to listen", async () => {
  for (const [listenInfo, name] of [
    [{ ...udp, ip: "not an address" }, "TypeError"],
    [{ ...udp, ip: "127.0.0.1:80" }, "TypeError"],
    [{ ...udp, ip: "192.0.2.1" }, "Error"],
  ]) {
    await assert.rejects(router.createWebRtcTransport({ listenInfos: [listenInfo] }), { name }, listenInfo.ip);
  }
  await assert.rejects(router.createWebRtcTransport({ listenInfos: [] }), { name: "TypeError" });
});

test("IPv6, any address, shared ports and buffer sizes", async () => {
  const create = async (listenInfo) => (await router.createWebRtcTransport({ listenInfos: [listenInfo] })).iceCandidates[0];
  assert.equal((await create({ ...udp, ip: "::1", flags: { ipv6Only: true } })).address, "::1");
  assert.equal((await create({ ...tcp, ip: "0:0:0:0:0:0:0:1" })).address, "::1");
  assert.equal((await create({ ...udp, ip: "0.0.0.0" })).address, "0.0.0.0");
  assert.equal((await create({ ...udp, ip: "::", announcedAddress: "2001:db8::1" })).address, "2001:db8::1");
  const port = await freePort();
  for (let sharing = 0; sharing < 2; sharing++) {
    assert.equal((await create({ ...udp, port, flags: { udpReusePort: true } })).port, port);
  }
  await create({ ...udp, sendBufferSize: 100_000, recvBufferSize: 100_000 });
});

test("a hundred transports come and go, and leave no descriptor behind", async () => {
  const descriptors = () => readdirSync(`/proc/${worker.pid}/fd`).length;
  const before = descriptors();
  const handlers = (await worker.dump()).channelMessageHandlers;
  const transports = await Promise.all(Array.from({ length: 100 }, () => router.createWebRtcTransport({ listenInfos: [udp, tcp] })));
  assert.equal(descriptors(), before + 200);
  for (const transport of transports) transport.close();
  assert.deepEqual((await worker.dump()).channelMessageHandlers, handlers);
  assert.equal(descriptors(), before);
});

test("dump and statistics of a new transport", async () => {
  const transport = await router.createWebRtcTransport({ listenInfos: [udp] });
  assert.match(transport.iceParameters.usernameFragment, /^[a-z0-9]{32}$/);
  assert.match(transport.iceParameters.password, /^[a-z0-9]{32}$/);
  const { fingerprints, role } = transport.dtlsParameters;
  assert.equal(role, "auto");
  assert.deepEqual(fingerprints.map(({ algorithm, value }) => [algorithm, value.length]), [
    ["sha-1", 59], ["sha-224", 83], ["sha-256", 95], ["sha-384", 143], ["sha-512", 191],
  ]);
  for (const { value } of fingerprints) assert.match(value, /^[0-9A-F]{2}(:[0-9A-F]{2})+$/);

  assert.deepEqual(present(await transport.dump()), {
    id: transport.id,
    producerIds: [],
    consumerIds: [],
    mapSsrcConsumerId: [],
    mapRtxSsrcConsumerId: [],
    dataProducerIds: [],
    dataConsumerIds: [],
    recvRtpHeaderExtensions: {},
    rtpListener: { ssrcTable: [], midTable: [], ridTable: [] },
    maxSendMessageSize: 262144,
    maxReceiveMessageSize: 262144,
    traceEventTypes: [],
    iceRole: "controlled",
    iceParameters: { ...transport.iceParameters, iceLite: true },
    iceCandidates: present(transport.iceCandidates),
    iceState: "new",
    dtlsParameters: transport.dtlsParameters,
    dtlsState: "new",
  });

  const stats = await transport.getStats();
  assert.ok(stats[0].timestamp > 0);
  const counters = ["bytesReceived", "recvBitrate", "bytesSent", "sendBitrate", "rtpBytesReceived", "rtpRecvBitrate",
    "rtpBytesSent", "rtpSendBitrate", "rtxBytesReceived", "rtxRecvBitrate", "rtxBytesSent", "rtxSendBitrate",
    "probationBytesSent", "probationSendBitrate"];
  assert.deepEqual(present(stats), [{
    ...Object.fromEntries(counters.map((name) => [name, 0])),
    type: "webrtc-transport",
    transportId: transport.id,
    timestamp: stats[0].timestamp,
    iceRole: "controlled",
    iceState: "new",
    dtlsState: "new",
  }]);
});

test("connect() decides the roles, once", async () => {
  const fingerprints = [{
    algorithm: "sha-256",
    value: "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD",
  }];
  for (const [remote, local] of [["client", "server"], ["server", "client"], ["auto", "client"]]) {
    const transport = await router.createWebRtcTransport({ listenInfos: [udp] });
    // One that failed may be tried again.
    await assert.rejects(transport.connect({ dtlsParameters: { role: remote, fingerprints: [] } }), { name: "TypeError" });
    const wrong = [{ algorithm: "sha-256", value: "not a fingerprint" }];
    await assert.rejects(transport.connect({ dtlsParameters: { role: remote, fingerprints: wrong } }), { name: "TypeError" });
    assert.equal(await transport.connect({ dtlsParameters: { role: remote, fingerprints } }), undefined);
    assert.equal(transport.dtlsParameters.role, local);
    assert.equal((await transport.dump()).dtlsParameters.role, local);
    await assert.rejects(transport.connect({ dtlsParameters: { role: remote, fingerprints } }), { name: "Error" });
  }
});

test("restartIce() gives new credentials", async () => {
  const transport = await router.createWebRtcTransport({ listenInfos: [udp] });
  const before = transport.iceParameters;
  const now = await transport.restartIce();
  assert.deepEqual(transport.iceParameters, now);
  assert.deepEqual((await transport.dump()).iceParameters, now);
  assert.match(now.usernameFragment, /^[a-z0-9]{32}$/);
  assert.notEqual(now.usernameFragment, before.usernameFragment);
  assert.notEqual(now.password, before.password);
});

test("the incoming bitrate is limited and shown, outgoing ones are refused and not shown", async () => {
  const transport = await router.createWebRtcTransport({ listenInfos: [udp] });
  const shown = async () => {
    const [{ maxIncomingBitrate, maxOutgoingBitrate, minOutgoingBitrate }] = await transport.getStats();
    return [maxIncomingBitrate, maxOutgoingBitrate, minOutgoingBitrate];
  };
  assert.deepEqual(await shown(), [undefined, undefined, undefined]);
  await transport.setMaxIncomingBitrate(1);
  // Nothing would hold to them before there is send-side estimation.
  await assert.rejects(transport.setMaxOutgoingBitrate(100_000), { name: "Error", message: /TRANSPORT_SET_MAX_OUTGOING_BITRATE/ });
  await assert.rejects(transport.setMinOutgoingBitrate(30_000), { name: "Error", message: /TRANSPORT_SET_MIN_OUTGOING_BITRATE/ });
  assert.deepEqual(await shown(), [1, undefined, undefined]);
  await transport.setMaxIncomingBitrate(0);
  assert.deepEqual(await shown(), [undefined, undefined, undefined]);
});

test("what is closed answers nothing more", async () => {
  const transport = await router.createWebRtcTransport({ listenInfos: [udp] });
  transport.close();
  await assert.rejects(transport.dump(), { name: "NotFoundError" });
  await assert.rejects(transport.getStats(), { name: "NotFoundError" });
  await assert.rejects(transport.restartIce(), { name: "NotFoundError" });
  await assert.rejects(transport.connect({ dtlsParameters: { fingerprints: [] } }), { name: "NotFoundError" });
});

/** RFC 8445 §5.1.2.1 with type preference 64 and the local preference of the listen info with this index. */
const priority = (index) => 2 ** 24 * 64 + 2 ** 8 * (10_000 - 100 * index) + 255;

function candidate(protocol, address, port, priority) {
  const tcpType = protocol === "tcp" ? "passive" : undefined;
  return { foundation: `${protocol}candidate`, priority, ip: address, address, protocol, port, type: "host", tcpType };
}

/** Without the properties that are undefined. */
const present = (value) => JSON.parse(JSON.stringify(value));

/** Two free ports, one after the other. */
async function freePair() {
  for (;;) {
    const min = await freePort();
    if (await isFree(min + 1)) return { min, max: min + 1 };
  }
}

async function isFree(port) {
  const transport = await router.createWebRtcTransport({ listenInfos: [{ ...udp, port }] }).catch(() => null);
  transport?.close();
  return Boolean(transport);
}
