// A server of our own for a test: `tureen serve` on free ports, and its end.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The `tureen` under test: `TUREEN_BIN`, or the debug build. */
export const binary = process.env.TUREEN_BIN ??
  `${process.env.CARGO_TARGET_DIR ?? `${root}/target`}/debug/tureen`;

/**
 * Starts a server with these flags besides its ports. Resolves with `url`, `pid`, `log()` and
 * `stop()`, which resolves with the exit code.
 */
export async function startServer(flags = []) {
  const process = spawn(binary, [
    "serve",
    "--listen=127.0.0.1:0",
    `--rtc-port=${await freePort()}`,
    "--workers=1",
    ...flags,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  process.stderr.on("data", (data) => (log += data));
  const exited = once(process, "exit");
  const url = await new Promise((resolve, reject) => {
    let out = "";
    process.stdout.on("data", (data) => {
      out += data;
      const ready = out.match(/is ready: (\S+)/);
      if (ready) resolve(ready[1]);
    });
    exited.then(([code, signal]) => reject(new Error(`tureen ended (${code ?? signal}):\n${log}`)));
  });
  return {
    url,
    pid: process.pid,
    log: () => log,
    stop: async () => {
      process.kill("SIGTERM");
      const [code] = await exited;
      return code;
    },
  };
}

/** A port that is free for UDP and TCP on every address. */
async function freePort() {
  for (;;) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address();
    const socket = createSocket("udp4");
    const isFree = await new Promise((resolve) => {
      socket.once("error", () => resolve(false));
      socket.bind(port, "0.0.0.0", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) {
      await new Promise((resolve) => socket.close(resolve));
      return port;
    }
  }
}
