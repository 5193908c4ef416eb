// Who speaks: the audio levels that browsers report of what they receive and send.

const THRESHOLD = 0.02;
const HOLD = 700;

/** Looks at the levels of a call's microphones a few times a second. */
export function watchSpeaking(call) {
  const lastLoud = new Map();
  const look = async () => {
    const now = performance.now();
    for (const track of call.tracks.values()) {
      if (track.source !== "microphone") continue;
      const level = track.muted ? 0 : await audioLevel(track);
      if (level > THRESHOLD) lastLoud.set(track.participant, now);
    }
    for (const participant of call.participants.values()) {
      const speaking = now - (lastLoud.get(participant.id) ?? -Infinity) < HOLD;
      if (speaking !== participant.speaking) {
        participant.speaking = speaking;
        call.changed("speaking");
      }
    }
  };
  const timer = setInterval(look, 250);
  return () => clearInterval(timer);
}

/** From 0 to 1. */
async function audioLevel(track) {
  if (track.receiver) {
    const [source] = track.receiver.getSynchronizationSources();
    return source?.audioLevel ?? 0;
  }
  const sender = track.transceiver?.sender;
  if (!sender) return 0;
  for (const report of (await sender.getStats()).values()) {
    if (report.type === "media-source" && report.audioLevel !== undefined) return report.audioLevel;
  }
  return 0;
}
