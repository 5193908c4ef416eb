// The application of a test: a router of our worker, driven by the npm package, and an HTTP server
// that gives browsers the page and carries their signaling.
import { createServer } from "node:http";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

/** The codecs of the router; a page chooses one of them to send. */
const mediaCodecs = [
  { kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2 },
  { kind: "video", mimeType: "video/VP8", clockRate: 90000 },
  { kind: "video", mimeType: "video/VP9", clockRate: 90000, parameters: { "profile-id": 0 } },
  {
    kind: "video",
    mimeType: "video/H264",
    clockRate: 90000,
    parameters: { "packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1 },
  },
  { kind: "video", mimeType: "video/AV1", clockRate: 90000 },
];

/**
 * Serves peers in a router of `worker`. `transportOptions` says how their transports listen.
 * Resolves with `url`, the maps `transports`, `producers` and `consumers` by id, and `close()`. The
 * application data of a transport say whose it is and list what was told of it.
 */
export async function startSignaling(worker, transportOptions) {
  const router = await worker.createRouter({ mediaCodecs });
  const [transports, producers, consumers] = [new Map(), new Map(), new Map()];
  const methods = {
    capabilities: async () => router.rtpCapabilities,
    createTransport: async (name, { direction }) => {
      const appData = { name, direction, events: [] };
      const transport = await router.createWebRtcTransport({ ...transportOptions, appData });
      transport.on("iceselectedtuplechange", ({ protocol }) => appData.events.push(`tuple ${protocol}`));
      transport.on("icestatechange", (state) => appData.events.push(`ice ${state}`));
      transport.on("dtlsstatechange", (state) => appData.events.push(`dtls ${state}`));
      transports.set(transport.id, transport);
      const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
      return { id, iceParameters, iceCandidates, dtlsParameters };
    },
    connect: async (name, { transportId, dtlsParameters }) => {
      await transports.get(transportId).connect({ dtlsParameters });
      return {};
    },
    produce: async (name, { transportId, kind, rtpParameters }) => {
      const producer = await transports.get(transportId).produce({ kind, rtpParameters });
      producers.set(producer.id, producer);
      return { id: producer.id };
    },
    consume: async (name, { transportId, producerId, rtpCapabilities }) => {
      const consumer = await transports.get(transportId).consume({ producerId, rtpCapabilities, paused: true });
      consumers.set(consumer.id, consumer);
      const { id, kind, rtpParameters } = consumer;
      return { id, producerId, kind, rtpParameters };
    },
    resume: async (name, { consumerId }) => {
      await consumers.get(consumerId).resume();
      return {};
    },
    restartIce: async (name, { transportId }) => transports.get(transportId).restartIce(),
  };
  const server = await servePages(({ name, method, data }) => methods[method](name, data));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    router,
    transports,
    producers,
    consumers,
    close: async () => {
      router.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** An HTTP server for the page, its bundled script, and what it asks. */
async function servePages(answer) {
  const script = await bundle();
  const server = createServer(async (request, response) => {
    const [path] = request.url.split("?");
    if (path === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><meta charset="utf-8"><title>peer</title><script type="module" src="/page.js"></script>');
    } else if (path === "/page.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(script);
    } else if (path === "/ask") {
      const body = Buffer.concat(await request.toArray()).toString();
      try {
        response.end(JSON.stringify(await answer(JSON.parse(body))));
      } catch (error) {
        response.statusCode = 500;
        response.end(JSON.stringify({ error: String(error) }));
      }
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The page's script with mediasoup-client in it. */
async function bundle() {
  const { outputFiles: [file] } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL("page.mjs", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "warning",
  });
  await esbuild.stop();
  return file.text;
}
