// Our worker, driven by the npm package.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { createSocket } from "node:dgram";
import { fileURLToPath } from "node:url";
import * as mediasoup from "mediasoup";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));

/** The worker under test: `TUREEN_WORKER_BIN`, or the debug build. */
export const workerBin = process.env.TUREEN_WORKER_BIN ?? `${target}/debug/tureen-worker`;

/** Starts a worker process with these settings of the npm package. */
export async function startWorker(settings = {}) {
  return mediasoup.createWorker({ workerBin, logLevel: "warn", ...settings });
}

/** Closes a worker and waits until its process is gone. */
export async function endWorker(worker) {
  if (worker.subprocessClosed) return;
  const gone = once(worker, "subprocessclose");
  worker.close();
  await gone;
}

/** A port that is free for UDP and TCP on `ip`. */
export async function freePort(ip = "127.0.0.1") {
  for (;;) {
    const server = createServer().listen(0, ip);
    await once(server, "listening");
    const { port } = server.address();
    const socket = createSocket("udp4");
    const isFree = await new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind(port, ip, () => resolve(true));
    });
    server.close();
    await once(server, "close");
    socket.close();
    if (isFree) return port;
  }
}

/** Asks again and again until the answer is true, or the time is over: then `state()` is told. */
export async function until(what, question, { seconds = 20, state = async () => "" } = {}) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s\n${JSON.stringify(await state(), null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A worker process of its own for `use`, gone afterwards whatever happened. */
export async function withWorker(use) {
  const worker = await startWorker();
  try {
    await use(worker);
    assert.equal(worker.died, false);
  } finally {
    await endWorker(worker);
  }
}

/** The codec that most routers here have. */
export const opusCodec = { kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2 };
