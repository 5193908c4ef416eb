// Direct transports, driven by the npm package: the application sends and receives RTP and RTCP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { opusCodec, until, withWorker } from "./worker.mjs";

/** An Opus packet with this number. */
function packet(number, ssrc) {
  const header = Buffer.from([0x80, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(number, 2);
  header.writeUInt32BE(number * 960, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, Buffer.from([0xfc, number & 0xff, 1])]);
}

async function pair(worker) {
  const router = await worker.createRouter({ mediaCodecs: [opusCodec] });
  const [sending, receiving] = [await router.createDirectTransport(), await router.createDirectTransport()];
  const codec = { mimeType: "audio/opus", clockRate: 48000, channels: 2, payloadType: 111 };
  const producer = await sending.produce({ kind: "audio", rtpParameters: { codecs: [codec], encodings: [{ ssrc: 7 }] } });
  const consumer = await receiving.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
  return { sending, receiving, producer, consumer };
}

test("RTP goes through a direct producer to a direct consumer, and reports come by themselves", async () => {
  await withWorker(async (worker) => {
    const { sending, receiving, producer, consumer } = await pair(worker);
    const { ssrc } = consumer.rtpParameters.encodings[0];
    const received = [];
    consumer.on("rtp", (data) => received.push(data));
    const reports = Promise.all([once(sending, "rtcp"), once(receiving, "rtcp")]);
    for (let number = 100; number < 150; number++) producer.send(packet(number, 7));
    await until("all packets come", () => received.length === 50);
    received.forEach((data, index) => {
      assert.equal(data.readUInt32BE(8), ssrc);
      assert.equal(data.readUInt16BE(2), received[0].readUInt16BE(2) + index);
      assert.deepEqual([...data.subarray(-3)], [0xfc, 100 + index, 1]);
    });
    const [[receiverReport], [senderReport]] = await reports;
    assert.deepEqual([receiverReport[1], senderReport[1]], [201, 200]);
    const [stats] = await producer.getStats();
    assert.equal(stats.packetCount, 50);
    const [{ rtpBytesSent }] = await receiving.getStats();
    assert.ok(rtpBytesSent >= 50 * 15);
    assert.deepEqual((await sending.dump()).producerIds, [producer.id]);
  });
});

test("an application's receiver report is heard", async () => {
  await withWorker(async (worker) => {
    const { receiving, producer, consumer } = await pair(worker);
    const { ssrc } = consumer.rtpParameters.encodings[0];
    producer.send(packet(1, 7));
    await once(consumer, "rtp");
    // RFC 3550 §6.4.2: one block, 64 of 256 packets lost.
    const report = Buffer.alloc(32);
    report.set([0x81, 201, 0, 7]);
    report.writeUInt32BE(ssrc, 8);
    report.writeUInt32BE(64 * 2 ** 24 + 1, 12);
    receiving.sendRtcp(report);
    const [stats] = await consumer.getStats();
    assert.equal(stats.fractionLost, 64);
    assert.equal(stats.packetsLost, 1);
  });
});
