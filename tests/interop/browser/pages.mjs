// What tests do in the page of `tureen serve`, and what they look at.

/** Opens a room's door and comes in under a name. `query` is that of the link. */
export async function enterRoom(page, url, room, name, query = "") {
  await page.goto(`${url}room/${room}${query}`);
  await comeIn(page, name);
}

/** From the door, once its devices are open, into the room. */
export async function comeIn(page, name) {
  await page.waitForSelector(".door:not(:has([aria-busy=true])) form");
  await page.evaluate((text) => {
    const input = document.querySelector(".door input[type=text]");
    if (text !== undefined) input.value = text;
    document.querySelector(".door button[type=submit]").click();
  }, name);
  await page.waitForSelector(".room .stage");
}

/** Comes to the lobby under a name, as a person who may have been here under another. */
export async function comeToLobby(page, url, name) {
  await page.goto(url);
  await page.waitForSelector(".welcome form, .lobby");
  await page.evaluate(() => document.querySelector(".lobby .me button")?.click());
  await page.waitForSelector(".welcome form");
  await page.evaluate((text) => {
    document.querySelector(".welcome input").value = text;
    document.querySelector(".welcome button[type=submit]").click();
  }, name);
  await page.waitForSelector(".lobby");
}

/** Makes a room in the lobby and enters it; `change` is run in the dialog. */
export async function makeRoom(page, change) {
  await click(page, ".lobby .start > button");
  await page.evaluate(change);
  await click(page, "dialog button[value=create]");
  await comeIn(page);
}

export const click = (page, selector) => page.evaluate((one) => document.querySelector(one).click(), selector);

/** Waits until `who` is seen and heard, more than `before` if given. */
export const seen = (page, who, before) => until(page, `${who} is seen and heard`, hearsAndSees, { who, before });

/** Waits until the page has this. */
export const shown = (page, what, selector) => until(page, what, (one) => Boolean(document.querySelector(one)), selector);

/** Before a page is opened: what it shares are drawn screens, each with a tone. Headless browsers have no others. */
export const withScreens = (page) => page.addInitScript(() => {
  MediaDevices.prototype.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const drawing = canvas.getContext("2d");
    setInterval(() => {
      drawing.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      drawing.fillRect(0, 0, 320, 180);
    }, 100);
    const stream = canvas.captureStream(10);
    const sound = new AudioContext();
    const [tone, end] = [sound.createOscillator(), sound.createMediaStreamDestination()];
    tone.connect(end);
    tone.start();
    stream.addTrack(end.stream.getAudioTracks()[0]);
    return stream;
  };
});

/** In the page: what is known of the tracks of `who`. */
export function tracksOf(who) {
  const { call } = globalThis.tureen;
  return [...call.tracks.values()].filter((track) => call.participants.get(track.participant)?.name === who)
    .map(({ source, muted, label }) => `${source}${label ? ` ${label}` : ""}${muted ? " muted" : ""}`).sort();
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
