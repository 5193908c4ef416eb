// The npm package drives our worker process: start and end, settings, signals, WebRTC servers,
// routers, and what happens to requests that it cannot carry out.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import * as mediasoup from "mediasoup";
import { endWorker, freePort, opusCodec, startWorker, withWorker, workerBin } from "./worker.mjs";

test("wrong settings are a TypeError", async () => {
  for (const wrong of [
    { logLevel: "chicken" },
    { rtcMinPort: 1000, rtcMaxPort: 999 },
    // Ports are cut to 16 bits.
    { rtcMinPort: 1000, rtcMaxPort: 65536 },
    { dtlsCertificateFile: "/notfound/cert.pem" },
    { dtlsPrivateKeyFile: "/notfound/key.pem" },
    { dtlsCertificateFile: "/notfound/cert.pem", dtlsPrivateKeyFile: "/notfound/key.pem" },
  ]) {
    await assert.rejects(startWorker(wrong), { name: "TypeError", message: "wrong settings" }, JSON.stringify(wrong));
  }
});

test("settings that are legal, if unusual", async () => {
  const worker = await startWorker({
    logLevel: "none",
    logTags: ["info", "no-such-tag"],
    rtcMinPort: 0,
    rtcMaxPort: 9999,
    libwebrtcFieldTrials: "WebRTC-Bwe-AlrLimitedBackoff/Disabled/",
  });
  await endWorker(worker);
});

test("a program that is no worker is an Error", async () => {
  await assert.rejects(mediasoup.createWorker({ workerBin: `${workerBin}-not-here` }), { name: "Error" });
});

test("dump, usage and settings of a running worker", async () => {
  await withWorker(async (worker) => {
    assert.deepEqual(await worker.dump(), {
      pid: worker.pid,
      webRtcServerIds: [],
      routerIds: [],
      channelMessageHandlers: { channelRequestHandlers: [], channelNotificationHandlers: [] },
    });
    const usage = await worker.getResourceUsage();
    for (const name of ["ru_utime", "ru_stime", "ru_maxrss", "ru_ixrss", "ru_idrss", "ru_isrss", "ru_minflt", "ru_majflt",
      "ru_nswap", "ru_inblock", "ru_oublock", "ru_msgsnd", "ru_msgrcv", "ru_nsignals", "ru_nvcsw", "ru_nivcsw"]) {
      assert.equal(typeof usage[name], "number", name);
    }
    assert.ok(usage.ru_maxrss > 0);
    assert.equal(await worker.updateSettings({ logLevel: "debug", logTags: ["ice", "no-such-tag"] }), undefined);
    await assert.rejects(worker.updateSettings({ logLevel: "chicken" }), { name: "TypeError" });
    assert.equal(await worker.updateSettings({ logLevel: "error" }), undefined);
  });
});

test("close() ends the process, and what was asked for afterwards is refused", async () => {
  const worker = await startWorker();
  const router = await worker.createRouter();
  let [closed, died] = [0, 0];
  router.on("workerclose", () => closed++);
  worker.on("died", () => died++);
  await endWorker(worker);
  assert.deepEqual([closed, died, worker.subprocessClosed], [1, 0, true]);
  await assert.rejects(worker.dump(), { name: "WorkerClosedError" });
  assert.throws(() => process.kill(worker.pid, 0), { code: "ESRCH" });
});

for (const [signal, reason] of [["SIGINT", /code:0, signal:null/], ["SIGTERM", /code:0, signal:null/], ["SIGKILL", /code:null, signal:SIGKILL/]]) {
  test(`${signal} ends the worker, and its controller is told`, async () => {
    const worker = await startWorker();
    const died = once(worker, "died");
    const gone = once(worker, "subprocessclose");
    process.kill(worker.pid, signal);
    const [error] = await died;
    await gone;
    assert.match(error.message, reason);
    assert.ok(worker.closed && worker.died);
  });
}

test("signals that are ignored", async () => {
  await withWorker(async (worker) => {
    for (const signal of ["SIGPIPE", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2"]) {
      process.kill(worker.pid, signal);
      assert.equal((await worker.dump()).pid, worker.pid, signal);
    }
    assert.ok(!worker.died);
  });
});

test("a WebRTC server listens, is dumped, and keeps its port to itself", async () => {
  await withWorker(async (worker) => {
    const port = await freePort();
    const listenInfos = ["udp", "tcp"].map((protocol) => ({ protocol, ip: "127.0.0.1", announcedAddress: "9.9.9.1", port }));
    const server = await worker.createWebRtcServer({ listenInfos });
    assert.deepEqual((await worker.dump()).webRtcServerIds, [server.id]);
    const empty = { id: server.id, webRtcTransportIds: [], localIceUsernameFragments: [] };
    const sockets = { udpSockets: [{ ip: "127.0.0.1", port }], tcpServers: [{ ip: "127.0.0.1", port }] };
    assert.deepEqual(await server.dump(), { ...empty, ...sockets });

    const router = await worker.createRouter();
    const transport = await router.createWebRtcTransport({ webRtcServer: server });
    assert.deepEqual(await server.dump(), {
      ...empty,
      ...sockets,
      webRtcTransportIds: [transport.id],
      localIceUsernameFragments: [
        { localIceUsernameFragment: transport.iceParameters.usernameFragment, webRtcTransportId: transport.id },
      ],
    });

    await assert.rejects(worker.createWebRtcServer({ listenInfos }), { name: "Error" });
    await assert.rejects(worker.createWebRtcServer({ listenInfos: [] }), { name: "TypeError" });
    await assert.rejects(worker.createWebRtcServer({ listenInfos: [{ protocol: "udp", ip: "not an address" }] }), { name: "TypeError" });
    await assert.rejects(worker.createWebRtcServer({ listenInfos: [{ protocol: "udp", ip: "192.0.2.1" }] }), { name: "Error" });
    assert.deepEqual((await worker.dump()).webRtcServerIds, [server.id]);

    const events = [];
    transport.on("listenserverclose", () => events.push("listenserverclose"));
    transport.observer.on("close", () => events.push("close"));
    server.close();
    assert.deepEqual(events, ["listenserverclose", "close"]);
    assert.deepEqual((await router.dump()).transportIds, []);
    // The port is free again.
    await worker.createWebRtcServer({ listenInfos });
  });
});

test("routers are dumped, and close what is in them", async () => {
  await withWorker(async (worker) => {
    const router = await worker.createRouter({ mediaCodecs: [opusCodec] });
    assert.deepEqual(await router.dump(), {
      id: router.id,
      transportIds: [],
      rtpObserverIds: [],
      mapProducerIdConsumerIds: [],
      mapConsumerIdProducerId: [],
      mapProducerIdObserverIds: [],
      mapDataProducerIdDataConsumerIds: [],
      mapDataConsumerIdDataProducerId: [],
    });
    const transport = await router.createWebRtcTransport({ listenInfos: [{ protocol: "udp", ip: "127.0.0.1" }] });
    assert.deepEqual((await router.dump()).transportIds, [transport.id]);
    assert.deepEqual((await worker.dump()).channelMessageHandlers, {
      channelRequestHandlers: [router.id, transport.id],
      channelNotificationHandlers: [transport.id],
    });
    let closed = 0;
    transport.on("routerclose", () => closed++);
    router.close();
    assert.equal(closed, 1);
    assert.deepEqual((await worker.dump()).channelMessageHandlers, { channelRequestHandlers: [], channelNotificationHandlers: [] });
  });
});

test("what is not supported is an Error that names it, and the worker goes on", async () => {
  await withWorker(async (worker) => {
    const router = await worker.createRouter({ mediaCodecs: [opusCodec] });
    const listenInfo = { protocol: "udp", ip: "127.0.0.1" };
    const transport = await router.createWebRtcTransport({ listenInfos: [listenInfo] });
    const refused = [
      [/ROUTER_CREATE_PIPETRANSPORT/, () => router.createPipeTransport({ listenInfo })],
      [/ROUTER_CREATE_AUDIOLEVELOBSERVER/, () => router.createAudioLevelObserver()],
      [/ROUTER_CREATE_ACTIVESPEAKEROBSERVER/, () => router.createActiveSpeakerObserver()],
      [/enableSctp/, () => router.createWebRtcTransport({ listenInfos: [listenInfo], enableSctp: true })],
      [/enableSctp/, () => router.createPlainTransport({ listenInfo, enableSctp: true })],
      [/TRANSPORT_ENABLE_TRACE_EVENT/, () => transport.enableTraceEvent(["bwe"])],
    ];
    for (const [message, request] of refused) await assert.rejects(request, { name: "Error", message });
    assert.deepEqual((await worker.dump()).channelMessageHandlers.channelRequestHandlers, [router.id, transport.id]);
  });
});

test("an unknown method and an unknown entity are errors, and the worker goes on", async () => {
  await withWorker(async (worker) => {
    const router = await worker.createRouter();
    const transport = await router.createWebRtcTransport({ listenInfos: [{ protocol: "udp", ip: "127.0.0.1" }] });
    const channel = transport.channelForTesting;
    const [unknownMethod, workerDump, routerDump, transportDump] = [200, 0, 8, 18];
    await assert.rejects(channel.request(unknownMethod, undefined, undefined, transport.id), { name: "Error", message: /unknown method/ });
    await assert.rejects(channel.request(unknownMethod, undefined, undefined, ""), { name: "Error" });
    await assert.rejects(channel.request(routerDump, undefined, undefined, transport.id), { name: "Error", message: /unknown method/ });
    await assert.rejects(channel.request(transportDump, undefined, undefined, "no-such-id"), { name: "NotFoundError" });
    // A method of the worker is carried out whatever the handler.
    await channel.request(workerDump, undefined, undefined, "no-such-id");
    // Bodies that are missing.
    for (const method of [3, 4, 5, 6, 9, 14, 21, 25, 27, 30, 36]) {
      const handler = method < 7 ? "" : method < 18 ? router.id : transport.id;
      await assert.rejects(channel.request(method, undefined, undefined, handler), { name: "TypeError" }, `method ${method}`);
    }
    assert.equal((await worker.dump()).pid, worker.pid);
  });
});
