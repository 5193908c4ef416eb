// Runs the ORTC functions of the npm package mediasoup over cases.
//
//   node evaluate.mjs CASES.json      prints one result per line
//   node evaluate.mjs --golden        prints the golden file of the controller's tests:
//                                     crates/controller/tests/ortc/golden.json

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ortc } from 'mediasoup';

import { mutatedCases, routerCases, writtenCases } from './cases.mjs';

/** SSRCs both sides use in place of random ones. */
export const SSRC = { mapped: 1000000, media: 2000000, rtx: 3000000 };

/** Result of each step of one case: `{ ok: value }` or `{ error: class }`; a step without input is absent. */
export function evaluate(entry) {
  const { mediaCodecs, kind, rtpParameters, rtpCapabilities, enableRtx, pipe } = structuredClone(entry);
  const result = {};
  const step = (name, run) => {
    try {
      const ok = run();
      result[name] = structuredClone({ ok });
      return ok;
    } catch (error) {
      result[name] = { error: error.constructor.name };
      return undefined;
    }
  };

  const normalized = (validate, value) => { validate(value); return value; };
  step('capabilities', () => normalized(ortc.validateAndNormalizeRtpCapabilities, rtpCapabilities));
  const router = step('router', () => ortc.generateRouterRtpCapabilities(mediaCodecs));
  step('parameters', () => normalized(ortc.validateAndNormalizeRtpParameters, rtpParameters));
  if (!router || result.parameters.error) return withoutNulls(result);

  const mapping = step('mapping', () => withMappedSsrcs(ortc.getProducerRtpParametersMapping(rtpParameters, router)));
  if (!mapping) return withoutNulls(result);
  result.settled = { ok: structuredClone(rtpParameters) };

  const consumable = step('consumable', () => ortc.getConsumableRtpParameters(kind, rtpParameters, router, mapping));
  if (!consumable) return withoutNulls(result);
  for (const enableRtx of [true, false]) {
    step(enableRtx ? 'pipeWithRtx' : 'pipeWithoutRtx', () =>
      withSsrcs(ortc.getPipeConsumerRtpParameters({ consumableRtpParameters: consumable, enableRtx })));
  }
  if (result.capabilities.error) return withoutNulls(result);
  step('canConsume', () => ortc.canConsume(consumable, rtpCapabilities));
  step('consumer', () =>
    withSsrcs(ortc.getConsumerRtpParameters({
      consumableRtpParameters: consumable,
      remoteRtpCapabilities: rtpCapabilities,
      pipe,
      enableRtx,
    })));
  return withoutNulls(result);
}

function withMappedSsrcs(mapping) {
  renumber(mapping.encodings, 'mappedSsrc', SSRC.mapped);
  return mapping;
}

// A single stream has its retransmission's SSRC next to its own, unlike several of them.
function withSsrcs(parameters) {
  renumber(parameters.encodings, 'ssrc', SSRC.media);
  const rtx = parameters.encodings.map((encoding) => encoding.rtx).filter(Boolean);
  renumber(rtx, 'ssrc', SSRC.rtx);
  return parameters;
}

function renumber(list, field, first) {
  const offset = list[0]?.[field];
  for (const item of list) item[field] = item[field] - offset + first;
}

function withoutNulls(value) {
  return JSON.parse(JSON.stringify(value, (_, field) => (field === null ? undefined : field)));
}

/**
 * Cases with their results for a test without node. Most inputs and results repeat, so each value
 * stands once in `values`, and cases hold indices into it.
 */
function golden() {
  const values = [];
  const indices = new Map();
  const index = (value) => {
    const text = JSON.stringify(value ?? null);
    if (!indices.has(text)) {
      indices.set(text, values.length);
      values.push(text);
    }
    return indices.get(text);
  };
  const indexed = (object) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, index(value)]));
  const written = writtenCases().filter((_, position) => position % 3 === 0);
  const cases = [...written, ...routerCases(), ...mutatedCases(1, 60)].map((entry) =>
    JSON.stringify({ case: indexed(entry), result: indexed(evaluate(entry)) }));
  return `{"values":[\n${values.join(',\n')}\n],"cases":[\n${cases.join(',\n')}\n]}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [argument] = process.argv.slice(2);
  if (argument === '--golden') {
    console.log(golden());
  } else {
    for (const entry of JSON.parse(readFileSync(argument, 'utf8'))) console.log(JSON.stringify(evaluate(entry)));
  }
}
