// What the tests of `tureen dump` share: the built programs, and directories for recordings.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const built = process.env.TUREEN_BIN
  ? dirname(process.env.TUREEN_BIN)
  : `${process.env.CARGO_TARGET_DIR ?? `${root}/target`}/debug`;

export const tureen = process.env.TUREEN_BIN ?? join(built, 'tureen');
export const worker = process.env.TUREEN_WORKER_BIN ?? join(built, 'tureen-worker');
export const shim = process.env.TUREEN_SHIM_BIN ?? join(built, 'tureen-worker-shim');

/** An empty directory that goes with the test. */
export function directory(context) {
  const path = mkdtempSync(join(tmpdir(), 'tureen-dump-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** What `tureen dump` prints. */
export function dump(args, env = {}) {
  return execFileSync(tureen, ['dump', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

/** The entries that `tureen dump --json` prints. */
export function entries(args, env) {
  return dump([...args, '--json'], env).trim().split('\n').map((line) => JSON.parse(line));
}

/** The one recording in a directory. */
export function recording(path) {
  const names = readdirSync(path);
  if (names.length !== 1) {
    throw new Error(`recordings: ${names.join(' ') || 'none'}`);
  }
  return join(path, names[0]);
}
