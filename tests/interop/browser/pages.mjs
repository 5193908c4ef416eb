// What tests do in the page of `tureen serve`, and what they look at.

/** Opens a room's door and comes in under a name. `query` is that of the link. */
export async function enterRoom(page, url, room, name, query = "") {
  await page.goto(`${url}room/${room}${query}`);
  await page.waitForSelector(".door form");
  // The door offers devices once the browser has opened them.
  if (!query.includes("produce=false")) await page.waitForSelector(".door select");
  await page.evaluate((text) => {
    const input = document.querySelector(".door input[type=text]");
    input.value = text;
    document.querySelector(".door button[type=submit]").click();
  }, name);
  await page.waitForSelector(".room .stage");
}

/** Asks the page again and again until it says something true, or the time is over. */
export async function until(page, what, question, argument, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await page.evaluate(question, argument);
    if (answer) return answer;
    if (Date.now() > end) {
      const state = await page.evaluate(connectionState).catch((error) => error.message);
      throw new Error(`${what}: not within ${seconds} s\n${JSON.stringify(state, null, 1)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** In the page: decoded frames and audio levels of all that is received, by participant and source. */
export async function received() {
  const { call } = globalThis.tureen;
  const list = [];
  for (const track of call.tracks.values()) {
    if (!track.receiver) continue;
    for (const report of (await track.receiver.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      list.push({
        who: call.participants.get(track.participant)?.name,
        source: track.source,
        frames: report.framesDecoded ?? 0,
        energy: report.totalAudioEnergy ?? 0,
        bytes: report.bytesReceived,
        packets: report.packetsReceived,
      });
    }
  }
  return list;
}

/** In the page: whether from `who` both pictures and sound arrive, more than `before` if given. */
export async function hearsAndSees({ who, before = { frames: 0, energy: 0 } }) {
  const list = [];
  const { call } = globalThis.tureen;
  for (const track of call.tracks.values()) {
    if (!track.receiver || call.participants.get(track.participant)?.name !== who) continue;
    for (const report of (await track.receiver.getStats()).values()) {
      if (report.type === "inbound-rtp") list.push(report);
    }
  }
  const frames = list.find(({ kind }) => kind === "video")?.framesDecoded ?? 0;
  const energy = list.find(({ kind }) => kind === "audio")?.totalAudioEnergy ?? 0;
  return frames > before.frames + 5 && energy > before.energy ? { frames, energy } : null;
}

/** In the page: how the two connections are, for a test that fails. */
export async function connectionState() {
  const { call } = globalThis.tureen;
  const state = {};
  for (const [name, pc] of Object.entries(call.connections)) {
    if (!pc) continue;
    const reports = [...(await pc.getStats()).values()];
    state[name] = {
      connection: pc.connectionState,
      ice: pc.iceConnectionState,
      signaling: pc.signalingState,
      transport: reports.filter(({ type }) => type === "transport").map(({ dtlsState, srtpCipher, bytesSent, bytesReceived }) =>
        ({ dtlsState, srtpCipher, bytesSent, bytesReceived })),
      streams: reports.filter(({ type }) => ["inbound-rtp", "outbound-rtp"].includes(type)).map(
        ({ mid, kind, packetsSent, packetsReceived, framesDecoded, keyFramesDecoded, pliCount, totalAudioEnergy }) =>
          ({ mid, kind, packetsSent, packetsReceived, framesDecoded, keyFramesDecoded, pliCount, totalAudioEnergy })),
    };
  }
  state.tracks = [...call.tracks.values()].map(({ id, source, participant, receiver }) =>
    ({ id, source, who: call.participants.get(participant)?.name, isReceived: Boolean(receiver) }));
  return state;
}
