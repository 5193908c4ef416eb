// A server of our own for a test: `tureen serve` on free ports, and its end.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The `tureen` under test: `TUREEN_BIN`, or the debug build. */
export const binary = process.env.TUREEN_BIN ??
  `${process.env.CARGO_TARGET_DIR ?? `${root}/target`}/debug/tureen`;

/**
 * Starts a server with these flags besides its ports. Resolves with `url`, `pid`, `log()` and
 * `stop()`, which sends SIGTERM or another signal and resolves with the exit code.
 */
export async function startServer(flags = []) {
  const child = spawn(binary, [
    "serve",
    "--listen=127.0.0.1:0",
    `--rtc-port=${await freePort()}`,
    "--workers=1",
    ...flags,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const exited = once(child, "exit");
  const url = await new Promise((resolve, reject) => {
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
      const ready = out.match(/is ready: (\S+)/);
      if (ready) resolve(ready[1]);
    });
    exited.then(([code, signal]) => reject(new Error(`tureen ended (${code ?? signal}):\n${log}`)));
  });
  return {
    url,
    pid: child.pid,
    log: () => log,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
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

/** A way to a server that can be cut and led to another one. Media goes beside it. */
export async function startProxy(target) {
  const sockets = new Set();
  let port = Number(new URL(target).port);
  let isOpen = true;
  const proxy = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${proxy.address().port}/`,
    cut: () => {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
    },
    /** From now on nothing passes on the connections that are open, and nobody is told. New ones pass. */
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    mend: (other = target) => {
      port = Number(new URL(other).port);
      isOpen = true;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

/** Process ids of a server's workers. */
export function workersOf(pid) {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).filter((one) => {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
