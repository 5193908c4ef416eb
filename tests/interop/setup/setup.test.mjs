// What the other suites stand on: the built binaries, the browsers, the exact npm packages.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { test } from 'node:test';

for (const name of ['TUREEN_BIN', 'TUREEN_WORKER_BIN', 'CHROMIUM', 'FIREFOX']) {
  test(`${name} names a program`, () => {
    assert.ok(process.env[name], 'run the suites by `cargo xtask test --only interop`');
    accessSync(process.env[name], constants.X_OK);
  });
}

test('the browsers start', () => {
  const version = (program) => execFileSync(program, ['--version'], { encoding: 'utf8' });
  assert.match(version(process.env.CHROMIUM), /chrom/i);
  assert.match(version(process.env.FIREFOX), /firefox/i);
});

test('the npm packages are the pinned ones', () => {
  const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const pinned = read('../package.json').dependencies;
  const installed = Object.keys(pinned).map((name) => [name, read(`../node_modules/${name}/package.json`).version]);
  assert.deepEqual(Object.fromEntries(installed), pinned);
});
