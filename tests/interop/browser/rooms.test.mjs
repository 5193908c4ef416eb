// What people do in rooms besides seeing each other, and what can go wrong around them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser } from "./browsers.mjs";
import { click, comeIn, comeToLobby, enterRoom, makeRoom, received, seen, shown, tracksOf, until, withScreens } from "./pages.mjs";
import { isAlive, startServer, workersOf } from "./server.mjs";

let server;
let browsers;

before(async () => {
  server = await startServer(["--ping-interval=1", "--ping-timeout=3"]);
  browsers = await Promise.all([openBrowser("chromium"), openBrowser("chromium")]);
});

after(async () => {
  await Promise.all((browsers ?? []).map((browser) => browser.close()));
  const children = server ? workersOf(server.pid) : [];
  assert.equal(await server?.stop(), 0, server?.log());
  assert.deepEqual(children.filter(isAlive), [], "no worker is left behind");
});

async function withPages(use) {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  try {
    await use(...pages);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
  }
}

test("people with the passphrase see each other, one with another does not", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "secret", "Ann", "#key=mulligatawny");
    await enterRoom(bob, server.url, "secret", "Bob", "#key=mulligatawny");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    const eve = await browsers[1].newPage();
    await enterRoom(eve, server.url, "secret", "Eve", "#key=guess");
    for (const who of ["Ann", "Bob"]) {
      await until(eve, `the sign that ${who} has another passphrase`, (name) =>
        [...document.querySelectorAll(".tile")].find((tile) => tile.querySelector(".name").textContent.includes(name))
          ?.querySelector(".message").textContent === "Encrypted with another passphrase", who);
    }
    // Packets of all four tracks arrive, and nothing of them is seen or heard.
    await until(eve, "packets of four tracks", async () => {
      const tracks = [...globalThis.tureen.call.tracks.values()].filter(({ receiver }) => receiver);
      const reports = await Promise.all(tracks.map(async ({ receiver }) =>
        [...(await receiver.getStats()).values()].find(({ type }) => type === "inbound-rtp")));
      return reports.filter((report) => report?.packetsReceived > 20).length === 4;
    });
    const list = await eve.evaluate(received);
    assert.equal(list.length, 4);
    assert.deepEqual(list.filter(({ frames, energy }) => frames > 0 || energy > 0), []);
    await eve.goto(`${server.url}room/secret`);
    await until(eve, "the question for the passphrase", () =>
      document.querySelector(".door input[type=password]")?.offsetParent);
    await eve.close();
  });
});

test("encryption works where transforms are older", async () => {
  await withPages(async (ann, bob) => {
    // Chromium before it had RTCRtpScriptTransform.
    await ann.addInitScript(() => delete globalThis.RTCRtpScriptTransform);
    await enterRoom(ann, server.url, "older", "Ann", "#key=mulligatawny");
    await enterRoom(bob, server.url, "older", "Bob", "#key=mulligatawny");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
  });
});

test("one presents, the others watch without devices", async () => {
  await withPages(async (ann, bob) => {
    await comeToLobby(ann, server.url, "Ann");
    await makeRoom(ann, () => document.querySelector("dialog [value=presentation]").click());
    const link = await ann.evaluate(() => location.href);
    await enterRoom(bob, server.url, link.split("/").at(-1), "Bob");
    await seen(bob, "Ann");
    const buttons = await bob.evaluate(() => [...document.querySelectorAll(".bar button")].filter((one) => one.offsetParent).map(({ title }) => title));
    assert.deepEqual(buttons, ["Devices", "Leave"]);
    assert.equal(await bob.evaluate(() => globalThis.opened.length), 0, "whoever watches is asked for no device");
    await ann.evaluate(() => {
      navigator.clipboard.writeText = async (text) => (globalThis.copied = text);
      document.querySelector("[aria-label^='Copy the link']").click();
    });
    assert.equal(await until(ann, "the link", () => globalThis.copied), `${link}?produce=false`);
    assert.equal(await ann.evaluate(() => document.querySelectorAll(".tile").length), 1);
  });
});

test("a call goes on after an ICE restart, and after a camera was off", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "chowder", "Ann");
    await enterRoom(bob, server.url, "chowder", "Bob");
    await seen(ann, "Bob");
    const ufrags = () => Object.values(globalThis.tureen.call.connections).map((pc) =>
      pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]);
    const old = await ann.evaluate(ufrags);
    await ann.evaluate(() => globalThis.dispatchEvent(new Event("online")));
    await until(ann, "new credentials on both connections", (before) =>
      Object.values(globalThis.tureen.call.connections).every((pc) =>
        !before.includes(pc.remoteDescription.sdp.match(/a=ice-ufrag:(.*)/)[1])), old);
    await seen(ann, "Bob", await seen(ann, "Bob"));
    await seen(bob, "Ann", await seen(bob, "Ann"));

    // The camera off and on again: its media sections are used again, on both connections.
    await click(bob, ".bar [title='Turn the camera off']");
    await until(ann, "no camera of Bob", () => document.querySelector(".tile:not(.mirrored) video").hidden);
    await until(bob, "the button", () => document.querySelector(".bar [title='Turn the camera on']:not(:disabled)"));
    await click(bob, ".bar [title='Turn the camera on']");
    await until(ann, "the camera of Bob", () => !document.querySelector(".tile:not(.mirrored) video").hidden);
    const sections = await bob.evaluate(() => globalThis.tureen.call.connections.publish.getTransceivers().length);
    assert.equal(sections, 2);
  });
});

test("screens stand side by side, and a click puts one on the stage for everyone", async () => {
  await withPages(async (ann, bob) => {
    await withScreens(ann);
    await enterRoom(ann, server.url, "gazpacho", "Ann");
    await enterRoom(bob, server.url, "gazpacho", "Bob");
    await seen(bob, "Ann");
    await click(ann, ".bar [aria-label='Share a screen']");
    await shown(ann, "the other button", ".bar [aria-label='Share another screen']");
    await click(ann, ".bar [aria-label='Share another screen']");
    await until(bob, "two screens that move", () => {
      const videos = [...document.querySelectorAll(".tile.screen video")];
      return videos.length === 2 && videos.every((video) => video.getVideoPlaybackQuality().totalVideoFrames > 2);
    });
    await until(bob, "the second on the stage", () =>
      document.querySelector(".main .tile.screen .name")?.textContent === "Ann – screen 2");
    await click(bob, ".strip .tile.screen .put");
    for (const page of [ann, bob]) {
      await until(page, "one on the stage, the rest in the strip", () =>
        document.querySelector(".main .tile.screen .name")?.textContent === "Ann – screen 1" && document.querySelectorAll(".strip .tile").length === 3);
    }
    await click(ann, ".bar [title='Stop sharing all screens']");
    await until(bob, "no screens, no stage", () =>
      document.querySelectorAll(".tile.screen").length === 0 && document.querySelectorAll(".main .tile").length === 2);
  });
});

test("the owner starts the call and everyone is rung", async () => {
  await withPages(async (ann, bob) => {
    await comeToLobby(ann, server.url, "Ann");
    await makeRoom(ann, () => document.querySelector("dialog input[type=checkbox]").click());
    await comeToLobby(bob, server.url, "Bob");
    // Rooms of tests before may still be listed; this one is the only one that waits.
    await until(bob, "the room with its head-count", () =>
      document.querySelector(".list li:has(.badge.warm) .small")?.textContent.startsWith("1 person"));
    await click(bob, ".list li:has(.badge.warm) button");
    await comeIn(bob);
    await shown(bob, "the waiting room", ".stage .alone");
    // Who waits may close the camera and open it again.
    for (const [label, then] of [["off", "on"], ["on", "off"]]) {
      await shown(bob, "the button", `.bar [title='Turn the camera ${label}']:not(:disabled)`);
      await click(bob, `.bar [title='Turn the camera ${label}']`);
      await shown(bob, "the other button", `.bar [title='Turn the camera ${then}']`);
    }
    await click(ann, ".bar button[title^='Start the call']");
    await bob.waitForSelector("dialog button[value=accept]");
    // Rung again, and Escape: one question, which stays.
    await click(ann, ".bar button[title^='Ring those']");
    await ann.evaluate(() => globalThis.tureen.call.say("ring ring"));
    await until(bob, "what was said after the second ring", () => document.querySelector(".chat li"));
    await bob.keyboard.press("Escape");
    assert.equal(await bob.evaluate(() => document.querySelectorAll("dialog[open]").length), 1);
    await click(bob, "dialog button[value=accept]");
    await seen(ann, "Bob");
    await seen(bob, "Ann");
    await click(ann, ".bar .leave");
    await ann.waitForSelector("dialog button[value=end]");
    await click(ann, "dialog button[value=end]");
    await until(bob, "the end", () => document.querySelector(".welcome h1")?.textContent === "This room has ended");
    assert.deepEqual(await bob.evaluate(() => [...document.querySelectorAll(".welcome button")].map(({ textContent }) => textContent)), ["To the lobby", "Open it again"]);
    // Nobody can take a room's name from the others by ending it.
    await click(bob, ".welcome button:not(.primary)");
    await comeIn(bob);
    await shown(bob, "the room again", ".bar .leave");
  });
});

test("one rings another from the lobby", async () => {
  await withPages(async (rita, otto) => {
    await comeToLobby(rita, server.url, "Rita");
    await comeToLobby(otto, server.url, "Otto");
    const ring = "[aria-label='Ring Otto']";
    await until(rita, "Otto online", (one) => document.querySelector(one), ring);
    await click(rita, ring);
    await otto.waitForSelector("dialog button[value=decline]");
    await click(otto, "dialog button[value=decline]");
    await until(rita, "the answer", () => document.querySelector("#notices").textContent.includes("declined"));
    await click(rita, ring);
    await otto.waitForSelector("dialog button[value=accept]");
    await click(otto, "dialog button[value=accept]");
    for (const page of [rita, otto]) await page.waitForSelector(".room");
    await seen(rita, "Otto");
    await seen(otto, "Rita");
    // A third who has come by the link: the secrets of the two are not in it.
    const cid = await browsers[1].newPage();
    await cid.goto(server.url);
    await cid.evaluate(() => localStorage.clear());
    await cid.goto(rita.url());
    await cid.waitForSelector(".door:not(:has([aria-busy=true])) form");
    await cid.evaluate(() => {
      document.querySelector(".door input[type=text]").value = "Cid";
      document.querySelector(".door button[type=submit]").click();
    });
    await until(cid, "the refusal", () => document.querySelector(".door .notice.error")?.textContent.startsWith("This call is between two people"));
    await cid.close();
  });
});

test("the page forgets what is over", async () => {
  await withPages(async (rita, otto) => {
    await otto.addInitScript(() => {
      globalThis.rings = [];
      const add = EventTarget.prototype.addEventListener;
      EventTarget.prototype.addEventListener = function (type, listener, options) {
        if (type === "ring-cancelled") globalThis.rings.push(options.signal);
        add.call(this, type, listener, options);
      };
    });
    await comeToLobby(rita, server.url, "Rita");
    await comeToLobby(otto, server.url, "Otto");
    const ring = "[aria-label='Ring Otto']";
    for (const _ of [1, 2]) {
      await rita.waitForSelector(ring);
      await click(rita, ring);
      await otto.waitForSelector("dialog button[value=decline]");
      await click(otto, "dialog button[value=decline]");
      await until(rita, "the end of the ring", () => !document.querySelector("dialog"));
    }
    await until(otto, "nobody listens for a ring that is over", () =>
      globalThis.rings.length === 2 && globalThis.rings.every((signal) => signal.aborted));

    const isKept = await otto.evaluate(async () => {
      const { rowKeeper } = await import("/static/js/lobby.js");
      const rows = rowKeeper();
      const make = (person) => ({ person });
      const [first] = rows([{ id: "ann" }], make);
      const [stays] = rows([{ id: "ann" }], make);
      rows([], make);
      const [anew] = rows([{ id: "ann" }], make);
      return [stays === first, anew === first];
    });
    assert.deepEqual(isKept, [true, false]);

    const heard = await otto.evaluate(async () => {
      const { Encryption } = await import("/static/js/encryption.js");
      const encryption = new Encryption("soup", "room");
      const heard = [];
      encryption.addEventListener("readable", ({ detail }) => heard.push(detail.receiver.track.readyState));
      for (const readyState of ["ended", "live"]) encryption.name({ track: { readyState } });
      for (const id of [1, 2]) {
        encryption.worker.dispatchEvent(new MessageEvent("message", { data: { id, readable: true } }));
      }
      encryption.close();
      return heard;
    });
    assert.deepEqual(heard, ["live"], "receivers of closed connections are forgotten");
  });
});

test("one who closes the page is missed", async () => {
  await withPages(async (ann, bob) => {
    await enterRoom(ann, server.url, "gone", "Ann");
    await enterRoom(bob, server.url, "gone", "Bob");
    await until(ann, "Bob", () => document.querySelectorAll(".people li").length === 2);
    await bob.close();
    await until(ann, "Bob gone", () => document.querySelectorAll(".people li").length === 1);
  });
});

test("a call comes back when its worker dies, with what was on the stage and without what was dropped", async () => {
  await withPages(async (ann, bob) => {
    await withScreens(ann);
    await enterRoom(ann, server.url, "phoenix", "Ann");
    await enterRoom(bob, server.url, "phoenix", "Bob");
    await seen(ann, "Bob");
    await click(ann, ".bar [title='Turn the microphone off']");
    await click(ann, ".bar [aria-label='Share a screen']");
    await shown(bob, "the screen on the stage", ".main .tile.screen");
    await click(ann, ".tile:not(.mirrored):not(.screen) [title='Stop receiving the picture']");
    const before = ["camera", "microphone muted", "screen Screen 1", "screen-audio Screen 1"];
    await until(bob, "all tracks of Ann", (wanted) => globalThis.tureen.call.tracks.size === wanted, before.length + 2);
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), before);
    const [worker] = workersOf(server.pid);
    const ids = await bob.evaluate(() => [...globalThis.tureen.call.tracks.keys()]);
    process.kill(worker, "SIGKILL");
    await until(bob, "all tracks anew", (old) => {
      const { tracks } = globalThis.tureen.call;
      return tracks.size === old.length && !old.some((id) => tracks.has(id));
    }, ids);
    assert.notEqual(workersOf(server.pid)[0], worker);
    assert.deepEqual(await bob.evaluate(tracksOf, "Ann"), before);
    await until(bob, "the screen on the stage again, moving", () =>
      document.querySelector(".main .tile.screen video")?.getVideoPlaybackQuality().totalVideoFrames > 3);
    await until(ann, "Bob's voice", async () => {
      const { call } = globalThis.tureen;
      const track = [...call.tracks.values()].find(({ source, media }) => source === "microphone" && !media);
      const reports = [...(await track?.receiver?.getStats() ?? new Map()).values()];
      return reports.some(({ type, totalAudioEnergy }) => type === "inbound-rtp" && totalAudioEnergy > 0);
    });
    const dropped = await ann.evaluate(() => [...globalThis.tureen.call.tracks.values()].find(({ source, media }) => source === "camera" && !media).receiver);
    assert.equal(dropped, undefined, "Bob's picture is still dropped");
    await click(ann, ".tile:not(.mirrored):not(.screen) [title='Receive the picture']");
    await seen(ann, "Bob", await seen(ann, "Bob"));
  });
});
