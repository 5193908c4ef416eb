// The ORTC functions of the controller against those of the npm package, on the same inputs.
// Run with `cargo xtask test --only interop/ortc`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { mutatedCases, routerCases, stricterCases, writtenCases } from './cases.mjs';
import { evaluate } from './evaluate.mjs';

test('the same results on every written case', () => {
  compare([...writtenCases(), ...routerCases()]);
});

test('the same results on mutated cases', () => {
  compare(mutatedCases(20260725, 3000));
});

test('what mediasoup repairs in silence is refused', () => {
  const cases = stricterCases();
  const ours = controllerResults(cases);
  cases.forEach((entry, index) => {
    const steps = Object.values(ours[index]);
    assert.ok(!Object.values(evaluate(entry)).some((step) => step.error), `${entry.name}: mediasoup takes it`);
    assert.ok(steps.some((step) => step.error === 'TypeError'), `${entry.name}: we refuse it`);
  });
});

function compare(cases) {
  const ours = controllerResults(cases);
  assert.equal(ours.length, cases.length);
  const outcomes = { ok: 0, error: 0 };
  cases.forEach((entry, index) => {
    const expected = evaluate(entry);
    const actual = ours[index];
    for (const [name, step] of Object.entries(actual)) {
      // All of the input is parsed before any of it is judged, so where it has two faults ours
      // may name the other one.
      if (step.parse && expected[name]?.error) expected[name] = step;
    }
    assert.deepStrictEqual(actual, expected, `${entry.name}\n${JSON.stringify(entry)}`);
    for (const step of Object.values(expected)) outcomes[step.error ? 'error' : 'ok'] += 1;
  });
  assert.ok(outcomes.ok > cases.length && outcomes.error > 0, JSON.stringify(outcomes));
}

function controllerResults(cases) {
  const directory = mkdtempSync(join(tmpdir(), 'tureen-ortc-'));
  try {
    const file = join(directory, 'cases.json');
    writeFileSync(file, JSON.stringify(cases));
    const program = join(process.env.TUREEN_EXAMPLES, 'ortc-eval');
    const output = execFileSync(program, [file], { encoding: 'utf8', maxBuffer: 2 ** 30 });
    return output.trim().split('\n').map((line) => JSON.parse(line));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
