// The frames that our crates write, read by the npm package's own code.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const written = new URL('../../../crates/channel-fbs/tests/data/frames/written/', import.meta.url);

test('each written frame says what was meant', () => {
  const decode = fileURLToPath(new URL('decode.mjs', import.meta.url));
  const frames = readdirSync(written).map((name) => fileURLToPath(new URL(name, written)));
  execFileSync(process.execPath, [decode, ...frames], { stdio: ['ignore', 'pipe', 'inherit'] });
});
