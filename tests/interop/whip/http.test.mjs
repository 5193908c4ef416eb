// What WHIP and WHEP say over HTTP, without media: refusals, headers, tokens, and the end of a client that is silent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { binary, startServer } from "../browser/server.mjs";

const described = (name) =>
  readFileSync(new URL(`../../../crates/server/src/sdp/testdata/${name}.sdp`, import.meta.url), "utf8");
const publish = described("chromium-publish");
const receive = described("chromium-receive");
const keys = `key:${"s".repeat(32)}`;

let server;
let guarded;

before(async () => {
  server = await startServer(["--allowed-origins=https://studio.example"]);
  guarded = await startServer([`--keys=${keys}`]);
});

after(async () => {
  for (const one of [server, guarded]) assert.equal(await one?.stop(), 0);
});

const post = (url, body, headers = {}) =>
  fetch(url, { method: "POST", body, headers: { "Content-Type": "application/sdp", ...headers } });
const patch = (url, headers = {}, body = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n") =>
  fetch(url, { method: "PATCH", body, headers: { "Content-Type": "application/trickle-ice-sdpfrag", ...headers } });

/** The header that shows a token. */
function bearer(identity, ...flags) {
  const token = execFileSync(binary, ["token", "--keys", keys, "--identity", identity, ...flags], { encoding: "utf8" });
  return { Authorization: `Bearer ${token.trim()}` };
}

/** A session that is never connected. */
async function begin(room, headers) {
  const response = await post(`${server.url}whip/${room}`, publish, headers);
  assert.equal(response.status, 201, await response.clone().text());
  return { response, session: new URL(response.headers.get("location"), response.url) };
}

async function refused(response, status) {
  assert.equal(response.status, status, await response.clone().text());
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = await response.json();
  assert.equal(problem.status, status);
  assert.ok(problem.detail.length > 10, problem.detail);
}

test("a client that is silent leaves", async () => {
  const { session } = await begin("silent");
  const end = Date.now() + 60_000;
  while ((await fetch(session)).status !== 404) {
    assert.ok(Date.now() < end, "it is still there");
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
});

test("the oldest session of a network that has not connected gives way to its newest", async () => {
  const proxied = await startServer(["--trusted-proxies=127.0.0.1", "--max-connecting-per-network=2"]);
  const from = async (address) => {
    const response = await post(`${proxied.url}whip/crowd`, publish, { "X-Forwarded-For": address });
    assert.equal(response.status, 201, await response.clone().text());
    return new URL(response.headers.get("location"), response.url);
  };
  const status = async (session) => (await fetch(session)).status;
  try {
    const neighbour = await from("192.0.2.2");
    const [first, second] = [await from("192.0.2.1"), await from("192.0.2.1")];
    assert.equal(await status(first), 204);
    const third = await from("192.0.2.1");
    const end = Date.now() + 30_000;
    while (await status(first) !== 404) assert.ok(Date.now() < end, "it is still there");
    await refused(await fetch(first, { method: "DELETE" }), 404);
    for (const stays of [second, third, neighbour]) assert.equal(await status(stays), 204);
    // Its person has left the room with it.
    const metrics = await (await fetch(`${proxied.url}metrics`)).text();
    assert.match(metrics, /^tureen_people 3$/m);
    // One that has ended takes no place.
    assert.equal((await fetch(second, { method: "DELETE" })).status, 200);
    await from("192.0.2.1");
    assert.equal(await status(third), 204);
  } finally {
    assert.equal(await proxied.stop(), 0, proxied.log());
  }
});

test("a session from its beginning to its end", async () => {
  const { response, session } = await begin("life");
  assert.equal(response.headers.get("content-type"), "application/sdp");
  const answer = await response.text();
  assert.ok(answer.endsWith("\r\n") && !/[^\r]\n/.test(answer));
  assert.match(answer, /a=setup:passive/);
  assert.equal(answer.match(/a=recvonly/g).length, 2);
  assert.equal(answer.match(/a=rtcp-mux-only\r\n/g).length, 2);
  const tag = response.headers.get("etag");
  assert.match(tag, /^"[^"]+"$/);

  assert.equal((await fetch(session)).status, 204);
  const trickled = await patch(session, { "If-Match": tag }, "a=end-of-candidates\r\n");
  assert.deepEqual([trickled.status, trickled.headers.get("etag")], [204, null]);
  // Eyevinn's client writes it so.
  assert.equal((await patch(session, { ETag: tag }, "a=end-of-candidates\r\n")).status, 204);
  await refused(await patch(session), 428);
  await refused(await patch(session, { "If-Match": "\"other\"" }), 412);
  await refused(await patch(session, { "If-Match": tag, "Content-Type": "application/sdp" }), 415);
  await refused(await patch(session, { "If-Match": "*" }, "a=end-of-candidates\r\n"), 400);

  const restarted = await patch(session, { "If-Match": "*" });
  assert.equal(restarted.status, 200);
  assert.equal(restarted.headers.get("content-type"), "application/trickle-ice-sdpfrag");
  const fragment = await restarted.text();
  const fresh = restarted.headers.get("etag");
  assert.ok(fresh !== tag && fragment.includes(`a=ice-ufrag:${fresh.slice(1, -1)}\r\n`));
  assert.match(fragment, /^a=candidate:.*\r\n/m);
  await refused(await patch(session, { "If-Match": tag }), 412);
  // The credentials of now are no restart, and others are one, whatever If-Match says.
  assert.equal((await patch(session, { "If-Match": fresh })).status, 204);
  const others = "a=ice-ufrag:efgh\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
  assert.equal((await patch(session, { "If-Match": fresh }, others)).status, 200);

  const elsewhere = new URL(session.pathname.replace("/life/", "/other/"), session);
  await refused(await fetch(elsewhere, { method: "DELETE" }), 404);
  // No ICE session is to be matched here.
  assert.equal((await fetch(session, { method: "DELETE", headers: { "If-Match": "\"other\"" } })).status, 200);
  await refused(await fetch(session, { method: "DELETE" }), 404);
  await refused(await fetch(session), 404);
});

test("what cannot be answered is refused with a reason", async () => {
  const whip = `${server.url}whip/refused`;
  await refused(await post(whip, publish, { "Content-Type": "text/plain" }), 415);
  await refused(await post(whip, "hello"), 400);
  await refused(await post(whip, publish, { Accept: "text/html, application/json" }), 406);
  // Sound alone would be half of what was offered.
  await refused(await post(whip, publish.replace(/(VP8|VP9|H264|AV1)\/90000/g, "X/90000")), 422);
  await refused(await post(whip, receive), 422);
  await refused(await post(whip, publish.replaceAll("a=ice-pwd", "a=x")), 422);
  const twice = publish + publish.slice(publish.indexOf("m=video")).replace("a=mid:1", "a=mid:2");
  await refused(await post(whip, twice.replace("BUNDLE 0 1", "BUNDLE 0 1 2")), 422);
  await refused(await post(`${server.url}whip/..%2f`, publish), 400);
  await refused(await post(`${server.url}whep/nowhere`, receive), 404);
  await begin("somebody");
  await refused(await post(`${server.url}whep/somebody/Nobody`, receive), 404);
});

test("who plays where nobody publishes is told when to come again", async () => {
  const { session } = await begin("pause");
  const player = await post(`${server.url}whep/pause`, receive);
  assert.equal(player.status, 201);
  assert.match(await player.text(), /a=sendonly/);
  const played = new URL(player.headers.get("location"), player.url);
  // Players at hand do not keep the ETag.
  assert.equal((await patch(played, {}, "a=end-of-candidates\r\n")).status, 204);
  await fetch(session, { method: "DELETE" });
  // It waits for the next who publishes.
  assert.equal((await fetch(played)).status, 204);
  const later = await post(`${server.url}whep/pause`, receive);
  assert.equal(later.headers.get("retry-after"), "2");
  await refused(later, 409);
});

test("pages of other origins are told that they may, or may not", async () => {
  const asks = (origin, url = `${server.url}whip/cors`) => fetch(url, {
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
  });
  const welcome = await asks("https://studio.example");
  assert.equal(welcome.status, 200);
  const header = (name) => welcome.headers.get(name);
  assert.equal(header("access-control-allow-origin"), "https://studio.example");
  assert.equal(header("accept-post"), "application/sdp");
  assert.match(header("access-control-allow-headers"), /Authorization.*If-Match/);
  for (const name of ["Location", "Link", "ETag"]) {
    assert.match(header("access-control-expose-headers"), new RegExp(`\\b${name}\\b`));
  }
  await refused(await asks("https://evil.example"), 403);
  await refused(await post(`${server.url}whip/cors`, publish, { Origin: "https://evil.example" }), 403);
  // Where a token opens the door, the page that shows it may come from anywhere.
  const anywhere = await asks("https://evil.example", `${guarded.url}whip/cors`);
  assert.equal(anywhere.headers.get("access-control-allow-origin"), "https://evil.example");
  const head = await fetch(`${server.url}whep/cors`, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-type")], [200, "application/sdp"]);
});

test("a server with keys wants a token", async () => {
  const whip = `${guarded.url}whip/guarded`;

  const missing = await post(whip, publish);
  assert.equal(missing.headers.get("www-authenticate"), "Bearer");
  await refused(missing, 401);
  await refused(await post(whip, publish, { Authorization: "Bearer x.y.z" }), 401);
  await refused(await post(whip, publish, bearer("obs", "--room", "other")), 403);
  await refused(await post(whip, publish, bearer("obs", "--room", "guarded", "--no-publish")), 403);

  const good = bearer("obs", "--room", "guarded");
  const published = await post(whip, publish, good);
  assert.equal(published.status, 201, await published.text());
  const session = new URL(published.headers.get("location"), whip);
  await refused(await patch(session, { "If-Match": published.headers.get("etag") }), 401);
  await refused(await fetch(session, { method: "DELETE" }), 401);
  await refused(await post(`${guarded.url}whep/guarded`, receive, bearer("ann", "--room", "guarded", "--no-subscribe")), 403);
  // The publisher goes by the identity in its token.
  assert.equal((await post(`${guarded.url}whep/guarded/obs`, receive, bearer("ann", "--room", "guarded"))).status, 201);
  assert.equal((await fetch(session, { method: "DELETE", headers: good })).status, 200);
});

test("who is refused takes nobody's place", async () => {
  const [whip, whep] = ["whip", "whep"].map((kind) => `${guarded.url}${kind}/place`);
  const [obs, ann] = ["obs", "ann"].map((identity) => bearer(identity, "--room", "place"));
  const sessions = [];
  for (const [url, offer, headers] of [[whip, publish, obs], [whep, receive, ann]]) {
    const response = await post(url, offer, headers);
    assert.equal(response.status, 201, await response.clone().text());
    sessions.push([new URL(response.headers.get("location"), url), headers]);
  }
  // Nobody else publishes whom the publisher could watch.
  await refused(await post(whep, receive, obs), 409);
  await refused(await post(whip, publish.replace(/(VP8|VP9|H264|AV1)\/90000/g, "X/90000"), obs), 422);
  // The room has what is published, and this player has other codecs.
  await refused(await post(whep, receive.replace(/(opus|VP8)\//g, "X/"), ann), 422);
  for (const [session, headers] of sessions) assert.equal((await fetch(session, { headers })).status, 204);
});

test("who offers both directions is only received from", async () => {
  const response = await post(`${server.url}whip/both`, publish.replaceAll("a=sendonly", "a=sendrecv"));
  assert.equal(response.status, 201);
  const answer = await response.text();
  assert.equal(answer.match(/a=recvonly/g).length, 2);
  assert.doesNotMatch(answer, /a=send/);
});

test("a player agrees once on all that may come", async () => {
  await begin("codecs");
  const player = await post(`${server.url}whep/codecs`, receive);
  const answer = await player.text();
  assert.equal(answer.match(/a=sendonly/g).length, 2);
  for (const codec of ["opus", "VP8", "H264"]) assert.match(answer, new RegExp(` ${codec}/`));
  // Sources come and go, and with them their SSRCs; sections and their MIDs stay.
  assert.doesNotMatch(answer, /a=ssrc/);
});

test("ICE servers are named to those who may come in", async () => {
  const named = await startServer([`--keys=${keys}`, "--ice-servers=stun:stun.example.org,turn:turn.example.org?transport=udp", "--turn-secret=north"]);
  try {
    const headers = bearer("obs", "--room", "named");
    const whip = `${named.url}whip/named`;
    const link = (response) => response.headers.get("link");
    const published = await post(whip, publish, headers);
    assert.equal(published.status, 201);
    const [stun, turn, ...more] = link(published).split(", ");
    assert.equal(stun, "<stun:stun.example.org>; rel=\"ice-server\"");
    assert.match(turn, /^<turn:turn\.example\.org\?transport=udp>; rel="ice-server"; username="\d+:tureen"; credential="[\w+/]{27}="; credential-type="password"$/);
    assert.deepEqual(more, []);
    assert.equal(link(await fetch(whip, { method: "OPTIONS", headers })).split(", ").length, 2);
    assert.equal(link(await fetch(whip, { method: "OPTIONS" })), null);
    const preflight = { ...headers, Origin: "https://studio.example", "Access-Control-Request-Method": "POST" };
    assert.equal(link(await fetch(whip, { method: "OPTIONS", headers: preflight })), null);
  } finally {
    assert.equal(await named.stop(), 0);
  }
});
