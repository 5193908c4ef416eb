// The npm package drives our worker through the shim, and notices nothing; the recording tells
// everything but secrets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import * as mediasoup from 'mediasoup';

import { directory, dump, entries, recording, shim, worker as workerBin } from './tools.mjs';

const mediaCodecs = [{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 }];

/** A worker behind the shim, and where it is recorded. */
async function record(context, settings = {}) {
  const recordings = join(directory(context), 'recordings');
  process.env.TUREEN_SHIM_WORKER = workerBin;
  process.env.TUREEN_SHIM_DIR = recordings;
  const worker = await mediasoup.createWorker({ workerBin: shim, ...settings });
  return { worker, recordings };
}

test('a session is recorded from its first word to its end', async (context) => {
  const { worker, recordings } = await record(context);
  const router = await worker.createRouter({ mediaCodecs });
  const transport = await router.createWebRtcTransport({
    listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }],
  });
  const { password: first } = transport.iceParameters;
  const { password: second } = await transport.restartIce();
  await transport.dump();
  await assert.rejects(transport.consume({
    producerId: 'nobody',
    rtpCapabilities: { codecs: [], headerExtensions: [] },
  }));
  const ended = once(worker, 'subprocessclose');
  worker.close();
  await ended;

  const file = recording(recordings);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(recordings).mode & 0o777, 0o700);
  const [header, ...told] = entries([file]);
  assert.deepEqual([header.kind, header.name], ['recording', basename(workerBin)]);
  assert.ok(Math.abs(Date.parse(header.start) - Date.now()) < 60_000);
  assert.ok(told.every((entry) => entry.pid === worker.pid));
  assert.equal(told[0].event, 'WORKER_RUNNING');
  assert.equal(told[0].handler_id, String(worker.pid));
  assert.equal(told.at(-1).kind, 'end');
  assert.ok(told.some((entry) => entry.event === 'WORKER_CLOSE'));

  const requests = told.filter((entry) => entry.kind === 'request');
  const responses = new Map(told.filter((entry) => entry.kind === 'response')
    .map((entry) => [entry.id, entry]));
  for (const request of requests) {
    const response = responses.get(request.id);
    assert.equal(response?.method, request.method);
    assert.ok(response.latency_ns > 0);
  }
  const created = told.find((entry) => entry.kind === 'response'
    && entry.body_type === 'WebRtcTransport_DumpResponse');
  const { ice_parameters: ice } = created.body;
  assert.equal(ice.username_fragment.length, 32);
  assert.equal(ice.password, '[redacted]');

  for (const options of [[], ['-v'], ['--json']]) {
    const hidden = dump([file, ...options]);
    assert.ok(!hidden.includes(first) && !hidden.includes(second), options.join());
  }
  const shown = dump([file, '-v', '--show-secrets']);
  assert.ok(shown.includes(first) && shown.includes(second));
  const about = entries([file, '--id', transport.id, '--method', 'transport_*']);
  assert.deepEqual(
    about.filter((entry) => entry.kind === 'request').map((entry) => entry.method),
    ['TRANSPORT_RESTART_ICE', 'TRANSPORT_DUMP'],
  );
});

test('refused settings are refused as without the shim', async (context) => {
  await assert.rejects(record(context, { rtcMinPort: 2000, rtcMaxPort: 1000 }), TypeError);
});

test('the death of the worker is told', async (context) => {
  const { worker, recordings } = await record(context);
  const died = once(worker, 'died');
  process.kill(worker.pid, 'SIGKILL');
  await died;
  const [, ...told] = entries([recording(recordings)]);
  assert.equal(told[0].event, 'WORKER_RUNNING');
});
