// Plain transports with unmodified encoders and players: what ffmpeg or GStreamer sends in is a
// file that plays when the other, or the same, has received it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { freePort, opusCodec, until, withWorker } from "./worker.mjs";

const run = promisify(execFile);
const udp = { protocol: "udp", ip: "127.0.0.1" };
const vp8Codec = { kind: "video", mimeType: "video/VP8", clockRate: 90000 };
const SECONDS = 6;

const sources = {
  video: { ssrc: 2222, payloadType: 96, mimeType: "video/VP8", clockRate: 90000 },
  audio: { ssrc: 1111, payloadType: 97, mimeType: "audio/opus", clockRate: 48000, channels: 2 },
};

/** Makes a transport and a producer for what an encoder sends to it. */
async function ingest(router, kind, { cryptoSuite, rtcpMux }) {
  const transport = await router.createPlainTransport({
    listenInfo: udp, comedia: true, rtcpMux, enableSrtp: Boolean(cryptoSuite), srtpCryptoSuite: cryptoSuite,
  });
  const srtpParameters = cryptoSuite && { cryptoSuite, keyBase64: randomBytes(30).toString("base64") };
  if (srtpParameters) await transport.connect({ srtpParameters });
  const { ssrc, ...codec } = sources[kind];
  const producer = await transport.produce({ kind, rtpParameters: { codecs: [codec], encodings: [{ ssrc }] } });
  return { kind, transport, producer, srtpParameters, tuple: transport.tuple, rtcpTuple: transport.rtcpTuple };
}

/** Makes a transport and a consumer of `producer` for a player that listens on a port and the next. */
async function play(router, producer, { cryptoSuite, rtcpMux }) {
  const transport = await router.createPlainTransport({
    listenInfo: udp, rtcpMux, enableSrtp: Boolean(cryptoSuite), srtpCryptoSuite: cryptoSuite,
  });
  const port = await freePort();
  const srtpParameters = cryptoSuite && { cryptoSuite, keyBase64: randomBytes(30).toString("base64") };
  await transport.connect({ ip: "127.0.0.1", port, rtcpPort: rtcpMux ? undefined : port + 1, srtpParameters });
  const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, paused: true });
  const [codec] = consumer.rtpParameters.codecs;
  return { transport, consumer, port, codec, key: transport.srtpParameters?.keyBase64 };
}

/** The description by which ffmpeg receives. */
function description(players) {
  const sections = players.map(({ port, codec, key, consumer }) => {
    const [, name] = codec.mimeType.split("/");
    const channels = codec.channels ? `/${codec.channels}` : "";
    const crypto = key ? `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}\n` : "";
    return `m=${consumer.kind} ${port} RTP/${key ? "S" : ""}AVP ${codec.payloadType}\n` +
      `a=rtpmap:${codec.payloadType} ${name}/${codec.clockRate}${channels}\n${crypto}`;
  });
  return `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n${sections.join("")}`;
}

/** The arguments by which ffmpeg sends a test picture and a tone. */
function encoder(ingests) {
  const inputs = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"];
  const codecs = {
    video: ["-map", "0:v", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-b:v", "400k"],
    audio: ["-map", "1:a", "-c:a", "libopus", "-ac", "2"],
  };
  const outputs = ingests.flatMap(({ kind, tuple, rtcpTuple, srtpParameters }) => {
    const { ssrc, payloadType } = sources[kind];
    const address = `127.0.0.1:${tuple.localPort}?rtcpport=${(rtcpTuple ?? tuple).localPort}&pkt_size=1200`;
    const srtp = srtpParameters
      ? ["-srtp_out_suite", srtpParameters.cryptoSuite, "-srtp_out_params", srtpParameters.keyBase64]
      : [];
    return [...codecs[kind], "-ssrc", ssrc, "-payload_type", payloadType, ...srtp,
      "-f", "rtp", `${srtpParameters ? "srtp" : "rtp"}://${address}`];
  });
  return ["-loglevel", "error", ...inputs, ...outputs.map(String)];
}

/** The arguments by which GStreamer sends a test picture and a tone, without RTCP. */
function gstreamerEncoder(ingests) {
  const chains = {
    video: "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! vp8enc deadline=1 keyframe-max-dist=25 ! rtpvp8pay",
    audio: "audiotestsrc is-live=true ! opusenc ! rtpopuspay",
  };
  return ingests.flatMap(({ kind, tuple }) => {
    const { ssrc, payloadType } = sources[kind];
    return words(`${chains[kind]} ssrc=${ssrc} pt=${payloadType} ! udpsink host=127.0.0.1 port=${tuple.localPort}`);
  });
}

/** The arguments by which GStreamer records what it receives. */
function gstreamerRecorder(players, file) {
  const chains = { video: "rtpvp8depay", audio: "rtpopusdepay ! opusparse" };
  const receivers = players.flatMap(({ port, codec, consumer }) => {
    const name = { video: "VP8", audio: "OPUS" }[consumer.kind];
    const caps = `application/x-rtp,media=${consumer.kind},clock-rate=${codec.clockRate},encoding-name=${name},payload=${codec.payloadType}`;
    return words(`udpsrc port=${port} caps=${caps} ! rtpjitterbuffer ! ${chains[consumer.kind]} ! queue ! mux.`);
  });
  return ["-e", ...words("webmmux name=mux ! filesink"), `location=${file}`, ...receivers];
}

function words(text) {
  return text.split(" ");
}

/** Frames of video and audio in a file, all of which decode. */
async function framesOf(file) {
  const { stdout, stderr } = await run("ffprobe", ["-v", "error", "-count_frames", "-show_entries", "stream=codec_type,nb_read_frames", "-of", "json", file]);
  assert.equal(stderr, "", "the file decodes without a complaint");
  return Object.fromEntries(JSON.parse(stdout).streams.map(({ codec_type: kind, nb_read_frames: frames }) => [kind, Number(frames)]));
}

/** Enough frames for what was recorded, and comedia has learned who sends. */
async function check(file, ingests) {
  const frames = await framesOf(file);
  assert.ok(frames.video >= SECONDS * 25 * 0.8, JSON.stringify(frames));
  assert.ok(frames.audio >= SECONDS * 50 * 0.8, JSON.stringify(frames));
  for (const { transport, tuple } of ingests) {
    const [stats] = await transport.getStats();
    assert.equal(stats.tuple.localPort, tuple.localPort);
    assert.equal(stats.tuple.remoteIp, "127.0.0.1");
  }
}

/** Lets an encoder send to two transports and a recorder receive from two others; checks the file. */
async function publishAndRecord(options, send, record) {
  const directory = mkdtempSync(join(tmpdir(), "tureen-plain-"));
  await withWorker(async (worker) => {
    const router = await worker.createRouter({ mediaCodecs: [vp8Codec, opusCodec] });
    const ingests = [await ingest(router, "video", options), await ingest(router, "audio", options)];
    const players = [];
    for (const { producer } of ingests) players.push(await play(router, producer, options));
    const sender = send(ingests);
    const ended = once(sender, "exit");
    const file = join(directory, "out.webm");
    try {
      await until("the encoder is heard", async () => {
        const stats = await Promise.all(ingests.map(({ producer }) => producer.getStats()));
        return stats.every(([stream]) => stream?.packetCount > 0);
      });
      const recorded = record(players, directory, file);
      await Promise.all(players.map(({ consumer }) => consumer.resume()));
      await recorded;
    } finally {
      sender.kill("SIGKILL");
      await ended;
    }
    await check(file, ingests);
  }).finally(() => rmSync(directory, { recursive: true }));
}

// ffmpeg sends RTP and RTCP from two ports, so they go to two.
for (const cryptoSuite of [undefined, "AES_CM_128_HMAC_SHA1_80"]) {
  test(`ffmpeg publishes, and ffmpeg records a file that plays: ${cryptoSuite ?? "without SRTP"}`, async () => {
    const send = (ingests) => spawn("ffmpeg", encoder(ingests), { stdio: ["ignore", "ignore", "inherit"] });
    const record = (players, directory, file) => {
      const sdp = join(directory, "play.sdp");
      writeFileSync(sdp, description(players));
      return run("ffmpeg", ["-loglevel", "error", "-protocol_whitelist", "file,udp,rtp,srtp,crypto",
        "-i", sdp, "-c", "copy", "-t", String(SECONDS), "-y", file]);
    };
    await publishAndRecord({ rtcpMux: false, cryptoSuite }, send, record);
  });
}

test("GStreamer publishes to one port, and GStreamer records a file that plays", async () => {
  const start = (args) => spawn("gst-launch-1.0", ["-q", ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const record = async (players, directory, file) => {
    const recorder = start(gstreamerRecorder(players, file));
    const ended = once(recorder, "exit");
    await until("enough was sent to the recorder", async () => {
      const stats = await Promise.all(players.map(({ consumer }) => consumer.getStats()));
      return stats.every(([own], index) => own?.packetCount > [25, 50][index] * SECONDS);
    });
    // The end of the stream lets the file be finished.
    recorder.kill("SIGINT");
    await ended;
  };
  await publishAndRecord({ rtcpMux: true }, (ingests) => start(gstreamerEncoder(ingests)), record);
});
