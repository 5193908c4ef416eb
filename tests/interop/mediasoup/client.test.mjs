// The npm packages on both sides of our worker: mediasoup drives it, mediasoup-client in Chromium
// sends and receives through it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "../browser/browsers.mjs";
import { framesGoOn, framesStop, received, sendAndReceive, startCall, withPeers } from "./calls.mjs";
import { endWorker, freePort, startWorker, until } from "./worker.mjs";

let worker;
let server;
let browser;

before(async () => {
  worker = await startWorker();
  const port = await freePort();
  const listen = (protocol) => ({ protocol, ip: "127.0.0.1", port });
  server = await worker.createWebRtcServer({ listenInfos: [listen("udp"), listen("tcp")] });
  browser = await openBrowser("chromium");
});

after(async () => {
  await browser?.close();
  if (worker) await endWorker(worker);
});

test("a call of opus and VP8", async (t) => {
  await withPeers(worker, [browser], { webRtcServer: server }, async (signaling, ann, bob) => {
    const call = await startCall(signaling, ann, bob, "video/VP8");

    await t.test("is encrypted by GCM, over UDP", async () => {
      for (const [page, direction] of [[ann, "send"], [bob, "receive"]]) {
        const connection = await page.evaluate((direction) => globalThis.peer.connection(direction), direction);
        assert.equal(connection.dtlsState, "connected");
        assert.match(connection.srtpCipher, /AEAD_AES_256_GCM/);
        assert.equal(connection.protocol, "udp");
      }
    });

    await t.test("shows in the statistics", () => checkStats(signaling, call));

    await t.test("stops and goes on with its consumer", async () => {
      const { consumer } = call.video;
      await consumer.pause();
      await framesStop(bob, consumer);
      const { keyFramesDecoded } = await received(bob, consumer);
      await consumer.resume();
      await framesGoOn(bob, consumer, 5);
      assert.ok((await received(bob, consumer)).keyFramesDecoded > keyFramesDecoded);
    });

    await t.test("stops and goes on with its producer", async () => {
      const { producer, consumer } = call.video;
      const told = [];
      consumer.on("producerpause", () => told.push("pause"));
      consumer.on("producerresume", () => told.push("resume"));
      await producer.pause();
      await framesStop(bob, consumer);
      const { keyFramesDecoded } = await received(bob, consumer);
      await producer.resume();
      await framesGoOn(bob, consumer, 5);
      assert.ok((await received(bob, consumer)).keyFramesDecoded > keyFramesDecoded);
      assert.deepEqual(told, ["pause", "resume"]);
    });

    await t.test("goes on after an ICE restart", async () => {
      const before = await Promise.all([ann, bob].map(usernameFragments));
      for (const page of [ann, bob]) await page.evaluate(() => globalThis.peer.restartIce());
      await until("new credentials in use", async () => {
        const now = await Promise.all([ann, bob].map(usernameFragments));
        return now.every((fragment, page) => fragment && fragment !== before[page]);
      }, { state: () => Promise.all([ann, bob].map(usernameFragments)) });
      await framesGoOn(bob, call.video.consumer);
      for (const transport of signaling.transports.values()) {
        assert.match(transport.iceState, transport.dtlsState === "connected" ? /completed|connected/ : /new/);
      }
    });
  });
});

test("the states of a transport, in order, to its end", async () => {
  await withPeers(worker, [browser], { webRtcServer: server, iceConsentTimeout: 10 }, async (signaling, ann, bob) => {
    await startCall(signaling, ann, bob, "video/VP8");
    const of = (name, direction) => [...signaling.transports.values()].find(({ appData }) => appData.name === name && appData.direction === direction);
    const [sending, receiving] = [of("Ann", "send"), of("Bob", "receive")];
    for (const { appData: { events } } of [sending, receiving]) {
      // The first request may or may not nominate the pair.
      assert.deepEqual(events.filter((event) => !/ice (connected|completed)/.test(event)), ["tuple udp", "dtls connecting", "dtls connected"]);
      assert.equal(events[0], "tuple udp");
      assert.match(events[1], /ice (connected|completed)/);
      assert.equal(events.filter((event) => event === "ice completed").length, 1);
    }
    assert.match(receiving.dtlsRemoteCert, /^-----BEGIN CERTIFICATE-----/);

    // A browser that closes its side says so by DTLS, and so does the worker.
    await ann.evaluate(() => globalThis.peer.leave("send"));
    await until("the end of Ann's DTLS", () => sending.dtlsState === "closed", { state: async () => sending.appData.events });
    const left = Date.now();
    receiving.close();
    await until("the end of Bob's DTLS", async () => {
      const { dtlsState } = await bob.evaluate(() => globalThis.peer.connection("receive"));
      return dtlsState === "closed";
    }, { state: () => bob.evaluate(() => globalThis.peer.connection("receive")) });

    // RFC 7675 §5.1: consent that is not renewed expires.
    await until("the end of Ann's consent", () => sending.iceState === "disconnected");
    assert.ok(Date.now() - left > 5000, "not before its time");
    assert.equal((await sending.dump()).iceState, "disconnected");
    assert.ok(!sending.closed);
  });
});

test("other video codecs", async (t) => {
  await withPeers(worker, [browser], { webRtcServer: server }, async (signaling, ann, bob) => {
    for (const mimeType of ["video/VP9", "video/H264", "video/AV1"]) {
      if (!await ann.evaluate((mimeType) => globalThis.peer.canSend(mimeType), mimeType)) {
        t.diagnostic(`this Chromium does not send ${mimeType}`);
        continue;
      }
      await t.test(mimeType, async () => {
        const { producer, consumer } = await sendAndReceive(signaling, ann, bob, { kind: "video", mimeType });
        const report = await framesGoOn(bob, consumer);
        assert.equal(report.mimeType.toLowerCase(), mimeType.toLowerCase());
        assert.equal(producer.type, "simple");
        await ann.evaluate((id) => globalThis.peer.stop(id), producer.id);
        producer.close();
      });
    }
  });
});

test("a call over TCP only", async () => {
  await withPeers(worker, [browser], { webRtcServer: server, enableUdp: false, enableTcp: true }, async (signaling, ann, bob) => {
    const call = await startCall(signaling, ann, bob, "video/VP8");
    for (const [page, direction] of [[ann, "send"], [bob, "receive"]]) {
      const connection = await page.evaluate((direction) => globalThis.peer.connection(direction), direction);
      assert.equal(connection.protocol, "tcp");
      assert.match(connection.srtpCipher, /AEAD_AES_256_GCM/);
    }
    for (const transport of signaling.transports.values()) {
      if (transport.iceSelectedTuple) assert.equal(transport.iceSelectedTuple.protocol, "tcp");
    }
    await framesGoOn(bob, call.video.consumer);
  });
});

test("a call over sockets of the transports' own", async () => {
  const listenInfos = [{ protocol: "udp", ip: "127.0.0.1" }];
  await withPeers(worker, [browser], { listenInfos }, async (signaling, ann, bob) => {
    await startCall(signaling, ann, bob, "video/VP8");
  });
});

async function usernameFragments(page) {
  const connections = await page.evaluate(async () => [
    await globalThis.peer.connection("send"),
    await globalThis.peer.connection("receive"),
  ]);
  return connections.map(({ usernameFragment }) => usernameFragment).join();
}

/** Producers and consumers count what flows, and soon know its round trip and score. */
async function checkStats(signaling, { audio, video }) {
  for (const { producer, consumer } of [audio, video]) {
    const [first] = await producer.getStats();
    const own = async () => (await consumer.getStats()).find(({ type }) => type === "outbound-rtp");
    const firstSent = await own();
    await until("a round trip time", async () => {
      const { roundTripTime, packetCount } = await own();
      return roundTripTime > 0 && packetCount > firstSent.packetCount + 10;
    }, { state: own });
    const [then] = await producer.getStats();
    const sent = await own();
    for (const [before, now] of [[first, then], [firstSent, sent]]) {
      assert.ok(now.packetCount > before.packetCount, `packets: ${before.packetCount}, ${now.packetCount}`);
      assert.ok(now.byteCount > before.byteCount);
      assert.ok(now.timestamp > before.timestamp);
      assert.ok(now.bitrate > 0);
      assert.equal(now.score, 10);
      assert.equal(now.fractionLost, 0);
      assert.equal(now.kind, producer.kind);
      assert.equal(now.mimeType.toLowerCase(), producer.rtpParameters.codecs[0].mimeType.toLowerCase());
    }
    assert.equal(then.ssrc, producer.rtpParameters.encodings[0].ssrc);
    assert.equal(sent.ssrc, consumer.rtpParameters.encodings[0].ssrc);
    assert.ok(then.jitter >= 0 && then.jitter < 48000);
    assert.ok(sent.roundTripTime < 1000, `round trip of ${sent.roundTripTime} ms`);
    assert.deepEqual((await consumer.getStats()).map(({ type }) => type), ["outbound-rtp", "inbound-rtp"]);
    await checkStreams(producer, consumer);
    assert.deepEqual(producer.score.map(({ score }) => score), [10]);
    assert.equal(consumer.score.score, 10);
  }
  for (const transport of signaling.transports.values()) {
    const [stats] = await transport.getStats();
    const sends = transport.appData.direction === "send";
    if (stats.dtlsState !== "connected") continue;
    assert.equal(stats.iceState, "completed");
    assert.ok((sends ? stats.rtpBytesReceived : stats.rtpBytesSent) > 0);
    assert.ok((sends ? stats.rtpRecvBitrate : stats.rtpSendBitrate) > 0);
    assert.equal(stats.iceSelectedTuple.localPort, transport.iceCandidates[0].port);
  }
}

/** The streams in dumps are those of the parameters, with what their codec uses. */
async function checkStreams(producer, consumer) {
  const { rtpStreams } = await producer.dump();
  const { rtpStream } = await consumer.dump();
  for (const [{ params, score, rtxStream }, { codecs, encodings: [encoding], rtcp }] of [
    [rtpStreams[0], producer.rtpParameters],
    [rtpStream, consumer.rtpParameters],
  ]) {
    const [codec, rtx] = codecs;
    const feedback = codec.rtcpFeedback.map(({ type, parameter }) => [type, parameter].filter(Boolean).join(" "));
    assert.deepEqual(present(params), {
      encodingIdx: 0,
      ssrc: encoding.ssrc,
      payloadType: codec.payloadType,
      mimeType: codec.mimeType,
      clockRate: codec.clockRate,
      cname: rtcp.cname,
      ...(encoding.rtx && { rtxSsrc: encoding.rtx.ssrc, rtxPayloadType: rtx.payloadType }),
      useNack: feedback.includes("nack"),
      usePli: feedback.includes("nack pli"),
      useFir: feedback.includes("ccm fir"),
      useInBandFec: codec.parameters.useinbandfec === 1,
      useDtx: codec.parameters.usedtx === 1,
      spatialLayers: 1,
      temporalLayers: 1,
    });
    assert.equal(score, 10);
    assert.equal(rtxStream?.params.ssrc, encoding.rtx?.ssrc);
  }
}

/** Without the properties that say nothing. */
const present = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined && value !== ""));
