// The figures of one track: bitrate, loss, round trip, resolution.

/** Reads the figures of a track again and again; `show` gets lines of text. */
export function watchStatistics(track, show) {
  let before;
  const look = async () => {
    const report = await (track.receiver ?? track.transceiver?.sender)?.getStats();
    if (!report) {
      show(["not received"]);
      return;
    }
    const now = figures([...report.values()], Boolean(track.receiver));
    show(lines(now, before));
    before = now;
  };
  look();
  const timer = setInterval(look, 1000);
  return () => clearInterval(timer);
}

function figures(reports, isReceived) {
  const one = (type, condition = () => true) => reports.find((report) => report.type === type && condition(report)) ?? {};
  const stream = one(isReceived ? "inbound-rtp" : "outbound-rtp");
  const remote = one("remote-inbound-rtp");
  const pair = one("candidate-pair", (report) => report.nominated || report.selected);
  const codec = reports.find((report) => report.id === stream.codecId);
  const local = reports.find((report) => report.id === pair.localCandidateId);
  return {
    time: stream.timestamp,
    bytes: isReceived ? stream.bytesReceived : stream.bytesSent,
    packets: isReceived ? stream.packetsReceived : undefined,
    lost: stream.packetsLost,
    fraction: remote.fractionLost,
    roundTrip: remote.roundTripTime ?? pair.currentRoundTripTime,
    width: stream.frameWidth,
    height: stream.frameHeight,
    rate: stream.framesPerSecond,
    codec: codec?.mimeType?.split("/")[1],
    protocol: local?.protocol,
  };
}

function lines(now, before) {
  const list = [];
  if (now.width) list.push(`${now.width}×${now.height}${now.rate ? ` ${Math.round(now.rate)} fps` : ""}`);
  if (before && now.time > before.time) {
    const bits = ((now.bytes - before.bytes) * 8000) / (now.time - before.time);
    list.push(bits >= 1e6 ? `${(bits / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`);
  }
  const loss = lossOf(now, before);
  if (loss !== undefined) list.push(`loss ${(loss * 100).toFixed(1)} %`);
  if (now.roundTrip !== undefined) list.push(`rtt ${Math.round(now.roundTrip * 1000)} ms`);
  const way = [now.codec, now.protocol].filter(Boolean).join(" ");
  if (way) list.push(way);
  return list.length > 0 ? list : ["…"];
}

function lossOf(now, before) {
  if (now.packets === undefined) return now.fraction;
  if (!before) return undefined;
  const lost = Math.max(0, now.lost - before.lost);
  const all = lost + now.packets - before.packets;
  return all > 0 ? lost / all : 0;
}
