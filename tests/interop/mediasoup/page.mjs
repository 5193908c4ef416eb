// What runs in the page: a mediasoup-client peer that asks the test over HTTP for everything that
// an application's signaling would carry. `globalThis.peer` is what the test calls.
import { Device } from "mediasoup-client";

const name = new URLSearchParams(location.search).get("name");

/** Asks the test's signaling as this peer. */
async function ask(method, data = {}) {
  const response = await fetch("/ask", { method: "POST", body: JSON.stringify({ name, method, data }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method}: ${answer.error}`);
  return answer;
}

const device = await Device.factory();
const transports = {};
const producers = new Map();
const consumers = new Map();

globalThis.peer = {
  /** Loads the device and makes a transport for each direction; nothing connects before media is there. */
  async join() {
    await device.load({ routerRtpCapabilities: await ask("capabilities") });
    for (const direction of ["send", "receive"]) {
      const parameters = await ask("createTransport", { direction });
      const transport = direction === "send"
        ? device.createSendTransport(parameters)
        : device.createRecvTransport(parameters);
      const answer = (method, data, done, failed) => ask(method, data).then(done, failed);
      transport.on("connect", ({ dtlsParameters }, done, failed) =>
        answer("connect", { transportId: transport.id, dtlsParameters }, done, failed));
      transport.on("produce", ({ kind, rtpParameters }, done, failed) =>
        answer("produce", { transportId: transport.id, kind, rtpParameters }, done, failed));
      transports[direction] = transport;
    }
  },

  /** Whether the browser can send this codec to the router. */
  canSend: (mimeType) => Boolean(codecOf(mimeType)),

  /** Sends the fake microphone or camera, in one encoding; answers the producer's id. */
  async produce({ kind, mimeType }) {
    const wanted = kind === "audio" ? { audio: true } : { video: { width: 320, height: 240, frameRate: 15 } };
    const [track] = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();
    const producer = await transports.send.produce({ track, codec: mimeType && codecOf(mimeType) });
    producers.set(producer.id, producer);
    return producer.id;
  },

  /** Stops sending and tells nobody: the test closes its side. */
  stop(producerId) {
    producers.get(producerId).close();
    producers.delete(producerId);
  },

  /** Receives a producer and plays it; answers the consumer's id. */
  async consume(producerId) {
    const transportId = transports.receive.id;
    const parameters = await ask("consume", { transportId, producerId, rtpCapabilities: device.recvRtpCapabilities });
    const consumer = await transports.receive.consume(parameters);
    consumers.set(consumer.id, consumer);
    const player = document.body.appendChild(document.createElement(consumer.kind));
    player.srcObject = new MediaStream([consumer.track]);
    await Promise.all([player.play(), ask("resume", { consumerId: consumer.id })]);
    return consumer.id;
  },

  /** Closes a direction's transport and tells nobody. */
  leave: (direction) => transports[direction].close(),

  /** New ICE credentials for both directions. */
  async restartIce() {
    for (const transport of Object.values(transports)) {
      await transport.restartIce({ iceParameters: await ask("restartIce", { transportId: transport.id }) });
    }
  },

  /** The browser's `inbound-rtp` report of a consumer, with the codec's MIME type. */
  async received(consumerId) {
    const reports = await consumers.get(consumerId).getStats();
    const inbound = [...reports.values()].find(({ type }) => type === "inbound-rtp");
    return inbound && { ...inbound, mimeType: reports.get(inbound.codecId)?.mimeType };
  },

  /** How a direction's transport is connected: DTLS, SRTP cipher, and the selected pair of candidates. */
  async connection(direction) {
    const reports = await transports[direction].getStats();
    const { dtlsState, srtpCipher, selectedCandidatePairId } =
      [...reports.values()].find(({ type }) => type === "transport") ?? {};
    const pair = reports.get(selectedCandidatePairId) ??
      [...reports.values()].find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    const local = reports.get(pair?.localCandidateId);
    return { dtlsState, srtpCipher, protocol: local?.protocol, usernameFragment: local?.usernameFragment };
  },
};

/** The router's codec of this MIME type that the browser can send. */
function codecOf(mimeType) {
  return device.sendRtpCapabilities.codecs.find((codec) => codec.mimeType.toLowerCase() === mimeType.toLowerCase());
}
