// `tureen dump` beside a running `tureen serve`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { startServer } from '../browser/server.mjs';
import { directory, dump, entries, recording, tureen } from './tools.mjs';

test('the state, the frames and the recording of a server', async (context) => {
  const runtime = directory(context);
  const recordings = join(directory(context), 'recordings');
  process.env.XDG_RUNTIME_DIR = runtime;
  const server = await startServer([`--record-channel=${recordings}`]);
  let isStopped = false;
  context.after(() => isStopped || server.stop());

  const socket = join(runtime, 'tureen', `${server.pid}.sock`);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(statSync(join(runtime, 'tureen')).mode & 0o777, 0o700);
  const state = JSON.parse(dump(['state', '--json']));
  assert.equal(state.workers.length, 1);
  const [worker] = state.workers;
  assert.equal(worker.dump.pid, worker.pid);
  assert.equal(worker.web_rtc_servers.length, 1);
  assert.match(dump(['state']), new RegExp(`^worker ${worker.pid}\n  WebRtcServer `));

  // Asking for the state is itself something that passes.
  const follower = spawn(tureen, ['dump', '--follow', '--json', '--method', 'worker_dump']);
  const lines = createInterface({ input: follower.stdout });
  const asking = setInterval(() => dump(['state', '--json']), 100);
  for await (const line of lines) {
    const entry = JSON.parse(line);
    assert.equal(entry.pid, worker.pid);
    if (entry.kind === 'response') {
      assert.equal(entry.method, 'WORKER_DUMP');
      break;
    }
  }
  clearInterval(asking);

  assert.equal(await server.stop(), 0);
  isStopped = true;
  assert.ok(!existsSync(socket), 'the socket goes with the server');
  const [, ...told] = entries([recording(recordings)]);
  assert.equal(told[0].event, 'WORKER_RUNNING');
  assert.equal(told.at(-1).kind, 'end');
  assert.ok(readdirSync(recordings).every((name) =>
    (statSync(join(recordings, name)).mode & 0o777) === 0o600));
});

test('without a server there is a clear error', (context) => {
  const runtime = directory(context);
  assert.throws(
    () => dump(['state'], { XDG_RUNTIME_DIR: runtime }),
    /no running process has a socket in/,
  );
});
