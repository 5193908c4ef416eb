// Producers and consumers of our worker as the npm package sees them, without media: every codec,
// dumps, pausing and closing with what both sides are told, and what is refused.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { getSupportedRtpCapabilities } from "mediasoup";
import { endWorker, startWorker } from "./worker.mjs";

let worker;

before(async () => (worker = await startWorker()));

after(async () => {
  if (!worker) return;
  assert.equal(worker.died, false);
  await endWorker(worker);
});

const listenInfos = [{ protocol: "udp", ip: "127.0.0.1" }];

// The parameters that the router wants besides what its capabilities say.
const parametersOf = {
  "video/VP9": { "profile-id": 0 },
  "video/H264": { "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1 },
};

for (const codec of getSupportedRtpCapabilities().codecs) {
  const { kind, mimeType, clockRate, channels } = codec;
  if (mimeType.endsWith("/rtx")) continue;
  const parameters = { ...codec.parameters, ...parametersOf[mimeType] };
  test(`${mimeType}/${clockRate}${channels ? `/${channels}` : ""} is produced and consumed`, async () => {
    const router = await worker.createRouter({ mediaCodecs: [{ kind, mimeType, clockRate, channels, parameters }] });
    const [from, to] = await transports(router);
    const producer = await from.produce({
      kind,
      rtpParameters: {
        mid: "0",
        codecs: [{ mimeType: mimeType.toLowerCase(), payloadType: 111, clockRate, channels, parameters, rtcpFeedback: [] }],
        headerExtensions: [],
        encodings: [{ ssrc: 1111 }],
        rtcp: { cname: "name" },
      },
    });
    assert.equal(producer.type, "simple");
    const shown = (await producer.dump()).rtpParameters.codecs[0];
    assert.equal(shown.mimeType, mimeType);
    assert.deepEqual(shown.parameters, parameters);
    assert.equal(shown.channels, channels > 1 ? channels : undefined);
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    assert.equal(consumer.type, "simple");
    const dump = await consumer.dump();
    assert.equal(dump.rtpStream.params.mimeType, mimeType);
    assert.equal(dump.rtpStream.params.clockRate, clockRate);
    assert.deepEqual(dump.supportedCodecPayloadTypes, [consumer.rtpParameters.codecs[0].payloadType]);
    router.close();
  });
}

test("dumps of a video producer, its consumer, and what holds them", async () => {
  const { router, from, to, producer, consumer } = await videoCall();
  const { mappedSsrc } = (await producer.dump()).rtpMapping.encodings[0];
  const codecs = [
    { mimeType: "video/VP8", payloadType: 96, clockRate: 90000, parameters: {}, rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }] },
    { mimeType: "video/rtx", payloadType: 97, clockRate: 90000, parameters: { apt: 96 }, rtcpFeedback: [] },
  ];
  assert.deepEqual(present(await producer.dump()), {
    id: producer.id,
    kind: "video",
    type: "simple",
    rtpParameters: {
      mid: "v",
      codecs,
      headerExtensions: [
        { uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 10, encrypt: false, parameters: {} },
        { uri: "urn:3gpp:video-orientation", id: 13, encrypt: false, parameters: {} },
      ],
      encodings: [{ ssrc: 1111, codecPayloadType: 96, rtx: { ssrc: 1112 }, dtx: false, scalabilityMode: "S1T1" }],
      rtcp: { cname: "name", reducedSize: true },
    },
    rtpMapping: {
      codecs: [{ payloadType: 96, mappedPayloadType: 101 }, { payloadType: 97, mappedPayloadType: 102 }],
      encodings: [{ rid: null, ssrc: 1111, mappedSsrc }],
    },
    traceEventTypes: [],
    paused: false,
  });

  const [{ ssrc, rtx }] = consumer.rtpParameters.encodings;
  const dump = present(await consumer.dump());
  const { headerExtensions, codecs: sent } = dump.rtpParameters;
  assert.deepEqual(sent.map(({ mimeType, payloadType }) => [mimeType, payloadType]), [["video/VP8", 101], ["video/rtx", 102]]);
  assert.deepEqual(headerExtensions.map(({ uri, id }) => ({ uri, id })),
    consumer.rtpParameters.headerExtensions.map(({ uri, id }) => ({ uri, id })));
  assert.deepEqual(dump, {
    id: consumer.id,
    producerId: producer.id,
    kind: "video",
    type: "simple",
    rtpParameters: {
      mid: "0",
      codecs: sent,
      headerExtensions,
      encodings: [{ ssrc, codecPayloadType: 101, rtx: { ssrc: rtx.ssrc }, dtx: false, scalabilityMode: "S1T1" }],
      rtcp: { cname: "name", reducedSize: true },
    },
    consumableRtpEncodings: [{ ssrc: mappedSsrc, dtx: false, scalabilityMode: "S1T1" }],
    traceEventTypes: [],
    supportedCodecPayloadTypes: [101],
    paused: false,
    producerPaused: false,
    priority: 1,
    rtpStream: {
      params: {
        encodingIdx: 0, ssrc, payloadType: 101, mimeType: "video/VP8", clockRate: 90000, cname: "name",
        rtxSsrc: rtx.ssrc, rtxPayloadType: 102, useNack: true, usePli: true, useFir: true,
        useInBandFec: false, useDtx: false, spatialLayers: 1, temporalLayers: 1,
      },
      score: 10,
      rtxStream: { params: { ssrc: rtx.ssrc, payloadType: 102, mimeType: "video/rtx", clockRate: 90000, cname: "name" } },
    },
  });

  const sending = await from.dump();
  assert.deepEqual(sending.producerIds, [producer.id]);
  assert.deepEqual(sending.rtpListener, {
    ssrcTable: [{ key: 1111, value: producer.id }, { key: 1112, value: producer.id }],
    midTable: [{ key: "v", value: producer.id }],
    ridTable: [],
  });
  assert.equal(sending.recvRtpHeaderExtensions.mid, 10);
  const receiving = await to.dump();
  assert.deepEqual(receiving.consumerIds, [consumer.id]);
  assert.deepEqual(receiving.mapSsrcConsumerId, [{ key: ssrc, value: consumer.id }]);
  assert.deepEqual(receiving.mapRtxSsrcConsumerId, [{ key: rtx.ssrc, value: consumer.id }]);
  const held = await router.dump();
  assert.deepEqual(held.mapProducerIdConsumerIds, [{ key: producer.id, values: [consumer.id] }]);
  assert.deepEqual(held.mapConsumerIdProducerId, [{ key: consumer.id, value: producer.id }]);
  router.close();
});

test("statistics and scores before any packet", async () => {
  const { router, producer, consumer } = await videoCall();
  assert.deepEqual(await producer.getStats(), []);
  assert.deepEqual(producer.score, []);
  assert.deepEqual(consumer.score, { score: 10, producerScore: 0, producerScores: [0] });
  const [{ ssrc, rtx }] = consumer.rtpParameters.encodings;
  const stats = await consumer.getStats();
  const counters = ["packetsLost", "fractionLost", "jitter", "packetsDiscarded", "packetsRetransmitted", "packetsRepaired",
    "nackCount", "nackPacketCount", "pliCount", "firCount", "roundTripTime", "byteCount", "packetCount", "bitrate"];
  assert.deepEqual(present(stats), [{
    ...Object.fromEntries(counters.map((name) => [name, 0])),
    type: "outbound-rtp",
    timestamp: stats[0].timestamp,
    ssrc,
    rtxSsrc: rtx.ssrc,
    kind: "video",
    mimeType: "video/VP8",
    score: 10,
  }]);
  router.close();
});

test("pausing is told to consumers, once each time", async () => {
  const { router, producer, consumer } = await videoCall();
  const events = record(consumer, ["producerpause", "producerresume"]);
  // Notifications come in order with responses: the second pause tells nothing new.
  for (const [step, told] of [["pause", "producerpause"], ["resume", "producerresume"]]) {
    const event = once(consumer, told);
    await producer[step]();
    await producer[step]();
    await event;
    assert.equal((await producer.dump()).paused, step === "pause");
    assert.equal((await consumer.dump()).producerPaused, step === "pause");
  }
  await consumer.pause();
  await consumer.pause();
  assert.deepEqual([(await consumer.dump()).paused, (await consumer.dump()).producerPaused], [true, false]);
  await consumer.resume();
  assert.equal((await consumer.dump()).paused, false);
  assert.deepEqual(events, ["producerpause", "producerresume"]);
  router.close();
});

test("a consumer of a paused producer begins paused by it", async () => {
  const { router, to, producer } = await videoCall();
  await producer.pause();
  const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, paused: true });
  assert.deepEqual([consumer.paused, consumer.producerPaused], [true, true]);
  router.close();
});

test("closing is told to those that it concerns", async () => {
  const { router, from, to, producer, consumer } = await videoCall();
  const others = await from.produce({ ...videoOptions(2222, "w"), paused: true });
  const second = await to.consume({ producerId: others.id, rtpCapabilities: router.rtpCapabilities });
  const [events, secondEvents] = [consumer, second].map((consumer) => record(consumer, ["producerclose", "transportclose"]));

  const told = once(consumer, "producerclose");
  producer.close();
  await told;
  assert.ok(consumer.closed);
  await assert.rejects(consumer.dump(), { name: "NotFoundError" });
  await assert.rejects(producer.dump(), { name: "NotFoundError" });
  assert.deepEqual((await router.dump()).mapConsumerIdProducerId, [{ key: second.id, value: others.id }]);

  const producerEvents = record(others, ["transportclose"]);
  const secondTold = once(second, "producerclose");
  from.close();
  await secondTold;
  to.close();
  assert.deepEqual([events, secondEvents, producerEvents], [["producerclose"], ["producerclose"], ["transportclose"]]);
  const dump = await router.dump();
  assert.deepEqual([dump.transportIds, dump.mapProducerIdConsumerIds, dump.mapConsumerIdProducerId], [[], [], []]);
  router.close();
});

test("closing a transport takes its consumers, and the producer goes on", async () => {
  const { router, to, producer, consumer } = await videoCall();
  const events = record(consumer, ["producerclose", "transportclose"]);
  to.close();
  assert.deepEqual(events, ["transportclose"]);
  assert.deepEqual((await router.dump()).mapProducerIdConsumerIds, [{ key: producer.id, values: [] }]);
  router.close();
});

test("what exists already is an Error, what is nowhere a NotFoundError", async () => {
  const { router, from, to, producer } = await videoCall();
  const rejects = (options, name) => assert.rejects(to.produce(options), { name });
  // The same names are free in another transport.
  const twin = await to.produce(videoOptions(1111, "v"));
  await rejects(videoOptions(1111, "other"), "Error");
  await rejects(videoOptions(3333, "v"), "Error");
  await rejects({ ...videoOptions(3333, "other"), id: producer.id }, "Error");
  const rtxTaken = videoOptions(3333, "other");
  rtxTaken.rtpParameters.encodings[0].rtx.ssrc = 1111;
  await rejects(rtxTaken, "Error");
  assert.deepEqual((await to.dump()).producerIds, [twin.id]);

  await assert.rejects(to.consume({ producerId: "nobody", rtpCapabilities: router.rtpCapabilities }), { name: /Error/ });
  producer.close();
  const channel = to.channelForTesting;
  await assert.rejects(channel.request(37, undefined, undefined, producer.id), { name: "NotFoundError" });
  assert.deepEqual((await from.dump()).rtpListener, { ssrcTable: [], midTable: [], ridTable: [] });
  // Its names are free again.
  await from.produce(videoOptions(1111, "v"));
  router.close();
});

test("wrong RTP parameters are a TypeError and leave nothing behind", async () => {
  const { router, to } = await videoCall();
  const wrong = (change) => {
    const options = videoOptions(1111, "v");
    change(options.rtpParameters, options);
    return options;
  };
  for (const [what, options] of [
    ["nothing that names the encoding", wrong((parameters) => Object.assign(parameters, { mid: undefined, encodings: [{}] }))],
    ["RTX for a codec that is not there", wrong((parameters) => (parameters.codecs[1].parameters.apt = 98))],
    ["a payload type used twice", wrong((parameters) => (parameters.codecs[1].payloadType = 96))],
    ["a codec that encodings do not have", wrong((parameters) => (parameters.encodings[0].codecPayloadType = 99))],
    ["RTX as the codec of an encoding", wrong((parameters) => (parameters.encodings[0].codecPayloadType = 97))],
    ["an extension with id 0", wrong((parameters) => (parameters.headerExtensions[0].id = 0))],
    ["a codec of another kind", wrong((parameters, options) => (options.kind = "audio"))],
  ]) {
    await assert.rejects(to.produce(options), { name: "TypeError" }, what);
  }
  assert.deepEqual((await to.dump()).producerIds, []);
  assert.deepEqual((await to.dump()).rtpListener.ssrcTable, []);
  router.close();
});

test("simulcast, layers and traces are not supported yet", async () => {
  const { router, to, producer, consumer } = await videoCall();
  await assert.rejects(producer.enableTraceEvent(["rtp"]), { name: "Error", message: /PRODUCER_ENABLE_TRACE_EVENT/ });
  await assert.rejects(consumer.enableTraceEvent(["rtp"]), { name: "Error", message: /CONSUMER_ENABLE_TRACE_EVENT/ });
  const options = videoOptions(2222, "w");
  options.rtpParameters.encodings.push({ ssrc: 2224 });
  await assert.rejects(to.produce(options), { name: "Error", message: /simulcast/ });
  const layered = videoOptions(2222, "w");
  layered.rtpParameters.encodings[0].scalabilityMode = "L1T3";
  await assert.rejects(to.produce(layered), { name: "Error", message: /SVC/ });
  router.close();
});

test("a consumer's priority, layers and key frames", async () => {
  const { router, consumer } = await videoCall();
  await consumer.setPriority(255);
  assert.equal((await consumer.dump()).priority, 255);
  await assert.rejects(consumer.setPriority(0), { name: "TypeError" });
  await consumer.unsetPriority();
  assert.equal((await consumer.dump()).priority, 1);
  await consumer.setPreferredLayers({ spatialLayer: 2, temporalLayer: 1 });
  assert.equal(consumer.preferredLayers, undefined);
  assert.equal(await consumer.requestKeyFrame(), undefined);
  router.close();
});

test("a consumer has the MID that it is given", async () => {
  const { router, to, producer } = await videoCall();
  const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, mid: "custom-mid" });
  assert.equal((await consumer.dump()).rtpParameters.mid, "custom-mid");
  router.close();
});

/** A router with two transports. */
async function transports(router) {
  return Promise.all([0, 1].map(() => router.createWebRtcTransport({ listenInfos })));
}

/** A VP8 producer at one transport, its consumer at another. */
async function videoCall() {
  const router = await worker.createRouter({
    mediaCodecs: [
      { kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2 },
      { kind: "video", mimeType: "video/VP8", clockRate: 90000 },
    ],
  });
  const [from, to] = await transports(router);
  const producer = await from.produce(videoOptions(1111, "v"));
  const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
  return { router, from, to, producer, consumer };
}

function videoOptions(ssrc, mid) {
  return {
    kind: "video",
    rtpParameters: {
      mid,
      codecs: [
        { mimeType: "video/VP8", payloadType: 96, clockRate: 90000, parameters: {}, rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }] },
        { mimeType: "video/rtx", payloadType: 97, clockRate: 90000, parameters: { apt: 96 }, rtcpFeedback: [] },
      ],
      headerExtensions: [
        { uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 10 },
        { uri: "urn:3gpp:video-orientation", id: 13 },
      ],
      encodings: [{ ssrc, rtx: { ssrc: ssrc + 1 } }],
      rtcp: { cname: "name" },
    },
  };
}

/** The names of these events, in the order in which they come. */
function record(emitter, names) {
  const events = [];
  for (const name of names) emitter.on(name, () => events.push(name));
  return events;
}

/** Without the properties that are undefined. */
const present = (value) => JSON.parse(JSON.stringify(value));
