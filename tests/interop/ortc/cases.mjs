// Inputs for the ORTC comparison: written-out calls, and seeded mutations of them.
//
// A case is { name, mediaCodecs, kind, rtpParameters, rtpCapabilities, enableRtx, pipe }: a
// router's media codecs, what a producer sends, what a consuming endpoint can receive.

const feedback = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb' },
  { type: 'transport-cc' },
];
const H264 = (profile, mode, asymmetry = 1) => ({
  'packetization-mode': mode,
  'profile-level-id': profile,
  'level-asymmetry-allowed': asymmetry,
});

const uri = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  rrid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  transportCc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  audioLevel: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  dependency:
    'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  orientation: 'urn:3gpp:video-orientation',
  toffset: 'urn:ietf:params:rtp-hdrext:toffset',
  captureTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  playoutDelay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  packetId: 'urn:mediasoup:params:rtp-hdrext:packet-id',
  colorSpace: 'http://www.webrtc.org/experiments/rtp-hdrext/color-space',
};

const routerCodecs = {
  opus: { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
  pcmu: { kind: 'audio', mimeType: 'audio/PCMU', clockRate: 8000 },
  multiopus: {
    kind: 'audio',
    mimeType: 'audio/multiopus',
    clockRate: 48000,
    channels: 6,
    parameters: { channel_mapping: '0,4,1,2,3,5', num_streams: 4, coupled_streams: 2 },
  },
  vp8: { kind: 'video', mimeType: 'video/VP8', clockRate: 90000, parameters: { 'x-start': 1000 } },
  vp9: { kind: 'video', mimeType: 'video/VP9', clockRate: 90000, parameters: { 'profile-id': 0 } },
  vp9two: {
    kind: 'video',
    mimeType: 'video/VP9',
    clockRate: 90000,
    preferredPayloadType: 112,
    parameters: { 'profile-id': 2 },
  },
  h264: {
    kind: 'video',
    mimeType: 'video/h264',
    clockRate: 90000,
    parameters: H264('42e01f', 1),
    rtcpFeedback: feedback,
  },
  h264main: {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90000,
    parameters: H264('4d0032', 0, 0),
  },
  av1: { kind: 'video', mimeType: 'video/AV1', clockRate: 90000 },
};
const allCodecs = Object.values(routerCodecs);

const send = (mimeType, payloadType, parameters = {}, rest = {}) => ({
  mimeType,
  payloadType,
  clockRate: 90000,
  parameters,
  rtcpFeedback: feedback,
  ...rest,
});
const opus = {
  mimeType: 'audio/opus',
  payloadType: 111,
  clockRate: 48000,
  channels: 2,
  parameters: { minptime: 10, useinbandfec: 1, 'sprop-stereo': 1 },
  rtcpFeedback: [{ type: 'transport-cc' }],
};
const extensions = (...names) => names.map((name, index) => ({ uri: uri[name], id: index + 1 }));
const rids = (...names) =>
  names.map((rid, index) => ({ rid, maxBitrate: 100000 * 4 ** index, scalabilityMode: 'L1T3' }));

const sources = {
  opus: {
    kind: 'audio',
    rtpParameters: {
      mid: '0',
      codecs: [opus],
      headerExtensions: extensions('mid', 'audioLevel', 'captureTime'),
      encodings: [{ ssrc: 11111111, dtx: true }],
      rtcp: { cname: 'alice' },
      msid: 'stream track',
    },
  },
  pcmu: {
    kind: 'audio',
    rtpParameters: {
      codecs: [{ mimeType: 'audio/pcmu', payloadType: 0, clockRate: 8000 }],
      encodings: [{ ssrc: 7 }],
    },
  },
  multiopus: {
    kind: 'audio',
    rtpParameters: {
      codecs: [
        {
          mimeType: 'audio/multiopus',
          payloadType: 120,
          clockRate: 48000,
          channels: 6,
          parameters: { num_streams: 4, coupled_streams: 2 },
        },
      ],
      encodings: [{}],
    },
  },
  vp8Simulcast: {
    kind: 'video',
    rtpParameters: {
      mid: '1',
      codecs: [send('video/VP8', 96, { foo: 'bar' }), send('video/rtx', 97, { apt: 96 })],
      headerExtensions: extensions('mid', 'rid', 'rrid', 'absSendTime', 'transportCc', 'toffset'),
      encodings: rids('q', 'h', 'f'),
      rtcp: { cname: 'alice', reducedSize: false },
    },
  },
  vp8Ssrcs: {
    kind: 'video',
    rtpParameters: {
      codecs: [send('video/vp8', 96), send('video/rtx', 97, { apt: 96 })],
      headerExtensions: extensions('mid', 'captureTime'),
      encodings: [
        { ssrc: 1, rtx: { ssrc: 2 }, codecPayloadType: 96, maxBitrate: 500000 },
        { ssrc: 3, rtx: { ssrc: 4 }, dtx: true },
      ],
      rtcp: {},
    },
  },
  vp9Svc: {
    kind: 'video',
    rtpParameters: {
      codecs: [send('video/VP9', 98, { 'profile-id': 0 })],
      headerExtensions: extensions('dependency'),
      encodings: [{ ssrc: 5, scalabilityMode: 'L3T3_KEY' }],
      rtcp: { cname: 'bob' },
    },
  },
  h264: {
    kind: 'video',
    rtpParameters: {
      codecs: [send('video/H264', 102, H264('42e034', 1)), send('video/rtx', 103, { apt: 102 })],
      encodings: [{ ssrc: 5, rtx: { ssrc: 6 } }],
    },
  },
  h264main: {
    kind: 'video',
    rtpParameters: {
      codecs: [send('video/H264', 104, { 'profile-level-id': '4d001f' })],
      encodings: [{ ssrc: 5 }],
    },
  },
  severalCodecs: {
    kind: 'video',
    rtpParameters: {
      codecs: [
        send('video/AV1', 45),
        send('video/rtx', 46, { apt: 45 }),
        send('video/VP9', 100, { 'profile-id': 2 }),
        send('video/rtx', 101, { apt: 100 }),
        send('video/VP8', 96),
      ],
      headerExtensions: extensions('mid', 'transportCc', 'orientation', 'playoutDelay'),
      encodings: [{ ssrc: 9, codecPayloadType: 45 }],
    },
  },
};

// What a browser reports through mediasoup-client after it learned the router's numbers.
const receive = (mimeType, preferredPayloadType, parameters = {}, rest = {}) => ({
  kind: 'video',
  mimeType,
  preferredPayloadType,
  clockRate: 90000,
  parameters,
  rtcpFeedback: feedback,
  ...rest,
});
const receiveAudio = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    preferredPayloadType: 100,
    clockRate: 48000,
    channels: 2,
    parameters: { minptime: 10 },
    rtcpFeedback: [{ type: 'transport-cc' }, { type: 'nack' }],
  },
  { kind: 'audio', mimeType: 'audio/PCMU', preferredPayloadType: 0, clockRate: 8000 },
];
const receiveExtensions = (kind, names) =>
  names.map(([name, preferredId]) => ({ kind, uri: uri[name], preferredId, direction: 'sendrecv' }));

const endpoints = {
  chromium: {
    codecs: [
      ...receiveAudio,
      receive('video/VP8', 102),
      receive('video/rtx', 103, { apt: 102 }),
      receive('video/VP9', 104, { 'profile-id': 0 }),
      receive('video/rtx', 105, { apt: 104 }),
      receive('video/H264', 108, H264('42e01f', 1)),
      receive('video/rtx', 109, { apt: 108 }),
      receive('video/AV1', 110),
    ],
    headerExtensions: [
      ...receiveExtensions('audio', [['mid', 1], ['absSendTime', 4], ['audioLevel', 6], ['captureTime', 10]]),
      ...receiveExtensions('video', [['mid', 1], ['absSendTime', 4], ['transportCc', 5], ['orientation', 8], ['colorSpace', 13]]),
    ],
  },
  remb: {
    codecs: [receive('video/VP8', 96), receive('video/H264', 97, H264('4d001f', 0, 0))],
    headerExtensions: receiveExtensions('video', [['mid', 1], ['absSendTime', 4], ['toffset', 9]]),
  },
  bare: { codecs: [receive('VIDEO/vp8', 96, {}, { rtcpFeedback: [] }), receiveAudio[0]] },
  rtxOnly: { codecs: [receive('video/rtx', 97, { apt: 96 })] },
  nothing: {},
};

/** Every source with every endpoint, each mode of consuming. */
export function writtenCases() {
  const cases = [];
  for (const [sourceName, source] of Object.entries(sources)) {
    for (const [endpointName, rtpCapabilities] of Object.entries(endpoints)) {
      for (const [mode, flags] of Object.entries(modes)) {
        cases.push({
          name: `${sourceName} to ${endpointName}, ${mode}`,
          mediaCodecs: allCodecs,
          ...source,
          rtpCapabilities,
          ...flags,
        });
      }
    }
  }
  return cases.map((entry) => structuredClone(entry));
}

const modes = {
  'with rtx': { enableRtx: true, pipe: false },
  'without rtx': { enableRtx: false, pipe: false },
  'all streams': { enableRtx: true, pipe: true },
};

/** Router capabilities at their limits; what a producer sends does not matter here. */
export function routerCases() {
  const lists = {
    'no codec': [],
    'static payload type moved': [{ ...routerCodecs.pcmu, preferredPayloadType: 77 }],
    'asks for 100 first': [{ ...routerCodecs.opus, preferredPayloadType: 100 }, routerCodecs.vp8],
    'asks for 101 late': [routerCodecs.opus, routerCodecs.vp8, { ...routerCodecs.vp9, preferredPayloadType: 101 }],
    'asks for 5': [{ ...routerCodecs.opus, preferredPayloadType: 5 }],
    'comfort noise twice': [16000, 8000].map((clockRate) => ({ kind: 'audio', mimeType: 'audio/CN', clockRate })),
    'sixteen video codecs': Array(16).fill(routerCodecs.vp8),
    'seventeen video codecs': Array(17).fill(routerCodecs.vp8),
    'mono opus': [{ ...routerCodecs.opus, channels: 1 }],
    'multiopus without layout': [{ ...routerCodecs.multiopus, parameters: {} }],
    'unknown codec': [{ ...routerCodecs.vp8, mimeType: 'video/H265' }],
    rtx: [{ ...routerCodecs.vp8, mimeType: 'video/rtx', parameters: { apt: 1 } }],
    'no media codecs': undefined,
  };
  return Object.entries(lists).map(([name, mediaCodecs]) => ({
    name: `router: ${name}`,
    mediaCodecs,
    ...structuredClone(sources.opus),
    rtpCapabilities: structuredClone(endpoints.chromium),
    ...modes['with rtx'],
  }));
}

/** `count` cases with one to three seeded mutations each. */
export function mutatedCases(seed, count) {
  const random = generator(seed);
  const bases = writtenCases();
  return Array.from({ length: count }, (_, index) => {
    const entry = structuredClone(pick(random, bases));
    const mutations = 1 + Math.floor(random() * 3);
    for (let i = 0; i < mutations; i += 1) {
      mutate(random, entry[pick(random, ['mediaCodecs', 'rtpParameters', 'rtpCapabilities'])]);
    }
    entry.name = `mutation ${index} of ${entry.name}`;
    return entry;
  });
}

/**
 * Inputs that mediasoup repairs or passes on in silence and that we refuse as malformed: a wrong
 * type is dropped, a number that no packet can carry goes on to the worker.
 */
export function stricterCases() {
  const edits = {
    'channels as text': (c) => { c.mediaCodecs[1].channels = 'x'; },
    'feedback as object': (c) => { c.rtpParameters.codecs[0].rtcpFeedback = {}; },
    'feedback parameter as number': (c) => { c.rtpParameters.codecs[0].rtcpFeedback = [{ type: 'nack', parameter: 3 }]; },
    'parameters as text': (c) => { c.rtpParameters.codecs[0].parameters = 'x'; },
    'dtx as text': (c) => { c.rtpParameters.encodings[0].dtx = 'x'; },
    'reducedSize as text': (c) => { c.rtpParameters.rtcp.reducedSize = 'x'; },
    'maxBitrate as text': (c) => { c.rtpParameters.encodings[0].maxBitrate = 'x'; },
    'codecPayloadType as text': (c) => { c.rtpParameters.encodings[0].codecPayloadType = 'x'; },
    'payload type 300': (c) => { c.rtpParameters.codecs[0].payloadType = 300; },
    'negative ssrc': (c) => { c.rtpParameters.encodings[0].ssrc = -1; },
    'ssrc of 33 bits': (c) => { c.rtpParameters.encodings[0].ssrc = 2 ** 32; },
    'unknown direction': (c) => { c.rtpCapabilities.headerExtensions[0].direction = 'both'; },
  };
  return Object.entries(edits).map(([name, edit]) => {
    const entry = structuredClone({
      name,
      mediaCodecs: allCodecs,
      ...sources.opus,
      rtpCapabilities: endpoints.chromium,
      ...modes['with rtx'],
    });
    edit(entry);
    return entry;
  });
}

function mutate(random, root) {
  const places = [];
  collect(root, places);
  if (places.length === 0) return;
  const { parent, key } = pick(random, places);
  if (Array.isArray(parent)) {
    mutateElement(random, parent, key);
  } else {
    mutateField(random, parent, key);
  }
}

function collect(node, places) {
  if (node === null || typeof node !== 'object') return;
  for (const key of Object.keys(node)) {
    places.push({ parent: node, key });
    collect(node[key], places);
  }
}

function mutateElement(random, array, key) {
  const index = Number(key);
  pick(random, [
    () => array.splice(index, 1),
    () => array.push(structuredClone(array[index])),
    () => array.push(array.splice(index, 1)[0]),
    () => { array[index] = null; },
  ])();
}

function mutateField(random, object, key) {
  const values = pools[key];
  pick(random, [
    () => { delete object[key]; },
    () => { object[key] = null; },
    () => { if (values) object[key] = structuredClone(pick(random, values)); else delete object[key]; },
    () => { if (values) object[key] = structuredClone(pick(random, values)); else object[key] = null; },
  ])();
}

// Values for a field: sound ones, and unsound ones that mediasoup refuses.
const pools = {
  mimeType: ['audio/opus', 'video/VP8', 'video/vp9', 'video/H264', 'video/AV1', 'video/rtx', 'audio/PCMA', 'opus', 'text/x', 'audio/', 3],
  clockRate: [48000, 90000, 8000, 16000, 0, '90000'],
  channels: [1, 2, 6],
  payloadType: [0, 96, 97, 98, 111, 127, '96'],
  preferredPayloadType: [0, 96, 100, 101, 102, 127, '96'],
  apt: [96, 97, 98, 100, 'x', ''],
  'packetization-mode': [0, 1, 2, '0', '1', ''],
  'level-asymmetry-allowed': [0, 1, 2, '0', '1'],
  'profile-level-id': ['42e01f', '42E034', '42e00a', '42f00b', '42e00b', '42001f', '42a00b', '58a01e', '58c01f', '4d001f', '4d0032', '4de01f', '640c1f', '64001f', 'f4001f', '42e0ff', 'xx', '', 0, 42],
  'profile-id': [0, 1, 2, '0', '2', ''],
  num_streams: [4, 5, '4'],
  coupled_streams: [2, 3, ''],
  minptime: [3, 1.5, 'x', true, 5000000000, []],
  type: ['nack', 'ccm', 'goog-remb', 'transport-cc', 'x', '', 3],
  parameter: ['pli', 'fir', 'x', ''],
  uri: [...Object.values(uri), 'urn:x', '', 3],
  id: [1, 4, 5, 14, '1'],
  preferredId: [1, 4, 5, 7, 14, '1'],
  kind: ['audio', 'video', 'x'],
  direction: ['sendrecv', 'sendonly', 'recvonly', 'inactive', 3],
  codecs: [[], {}, 'x'],
  headerExtensions: [[], {}, 'x'],
  encodings: [[], [{}], [{}, {}], {}, 'x'],
  parameters: [{}, { foo: 'bar' }, { foo: true }, { apt: 96 }],
  rtcpFeedback: [[], [{ type: 'nack' }], [{}]],
  ssrc: [0, 1, 4294967295, '1'],
  rid: ['', 'a', 1],
  rtx: [{ ssrc: 1 }, {}, 'x'],
  scalabilityMode: ['L1T2', 'S2T3', 'L3T3_KEY', 'x', '', 'L0T1', 'L10T20x', 3],
  maxBitrate: [0, 1, 9000000000],
  mid: ['', 'a', 1],
  msid: ['', 'a b', 1],
  rtcp: [{}, { cname: 'x' }, 'x'],
  cname: ['', 'x', 1],
};

function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}

// Mulberry32: small, seeded, the same everywhere.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
