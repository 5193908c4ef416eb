#!/usr/bin/env node
// Plays a worker: stores each frame that arrives on fd 3 under the name of its method or event,
// and answers it just well enough for the package to go on. Started by make.mjs.

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const from = (name) => require(path.join(process.env.FBS_DIR, name));

// The package requires this library for itself; the same copy must build the tables.
const flatbuffers = require(require.resolve("flatbuffers", { paths: [process.env.FBS_DIR] }));
const { Message, Body: MessageBody } = from("message");
const { Request, Method } = from("request");
const { Response, Body } = from("response");
const { Notification, Event } = from("notification");
const Transport = from("transport");
const WebRtc = from("web-rtc-transport");
const Direct = from("direct-transport");
const { ConsumerScoreT } = from("consumer");
const Data = { producer: from("data-producer"), consumer: from("data-consumer") };

const transportDump = () => new Transport.DumpT(
  "transport", false, [], [], [], [], [], [],
  new Transport.RecvRtpHeaderExtensionsT(), new Transport.RtpListenerT([], [], []));

const answers = {
  ROUTER_CREATE_WEBRTCTRANSPORT: () => [Body.WebRtcTransport_DumpResponse, new WebRtc.DumpResponseT(
    transportDump(), 0, new WebRtc.IceParametersT("user", "password"), [], 0, null,
    new WebRtc.DtlsParametersT([]), 0)],
  ROUTER_CREATE_DIRECTTRANSPORT: () => [Body.DirectTransport_DumpResponse, new Direct.DumpResponseT(transportDump())],
  WEBRTCTRANSPORT_CONNECT: () => [Body.WebRtcTransport_ConnectResponse, new WebRtc.ConnectResponseT(2)],
  TRANSPORT_PRODUCE: () => [Body.Transport_ProduceResponse, new Transport.ProduceResponseT(1)],
  TRANSPORT_CONSUME: () => [Body.Transport_ConsumeResponse,
    new Transport.ConsumeResponseT(true, false, new ConsumerScoreT(10, 0, [0, 0, 0]))],
  CONSUMER_SET_PRIORITY: () => {
    const { SetPriorityResponseT } = from("consumer");
    return [Body.Consumer_SetPriorityResponse, new SetPriorityResponseT(200)];
  },
  TRANSPORT_PRODUCE_DATA: () => [Body.DataProducer_DumpResponse,
    new Data.producer.DumpResponseT("data", 0, null, "chat", "json", false)],
  TRANSPORT_CONSUME_DATA: () => [Body.DataConsumer_DumpResponse,
    new Data.consumer.DumpResponseT("data", "data", 0, null, "chat", "json", 0, 0, false, false, [1, 65535])],
};

const output = new net.Socket({ fd: 4 });
const send = (bodyType, build) => {
  const builder = new flatbuffers.Builder(1024);
  const body = build(builder);
  builder.finishSizePrefixed(Message.createMessage(builder, bodyType, body));
  output.write(Buffer.from(builder.asUint8Array()));
};

const stored = {};
const store = (name, frame) => {
  stored[name] = (stored[name] ?? 0) + 1;
  const suffix = stored[name] === 1 ? "" : `_${stored[name]}`;
  fs.writeFileSync(path.join(process.env.FRAMES_DIR, `${name.toLowerCase()}${suffix}.bin`), frame);
};

const take = (frame) => {
  const message = Message.getRootAsMessage(new flatbuffers.ByteBuffer(new Uint8Array(frame.subarray(4))));
  if (message.dataType() === MessageBody.Notification) {
    const notification = message.data(new Notification());
    store(Event[notification.event()], frame);
    if (notification.event() === Event.WORKER_CLOSE) process.exit(0);
    return;
  }
  const request = message.data(new Request());
  const name = Method[request.method()];
  store(name, frame);
  const [type, table] = answers[name]?.() ?? [Body.NONE, null];
  send(MessageBody.Response, (builder) => {
    const body = table?.pack(builder) ?? 0;
    return Response.createResponse(builder, request.id(), true, type, body, 0, 0);
  });
};

let received = Buffer.alloc(0);
new net.Socket({ fd: 3 }).on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  while (received.length >= 4 && received.length >= 4 + received.readUInt32LE(0)) {
    const end = 4 + received.readUInt32LE(0);
    take(received.subarray(0, end));
    received = received.subarray(end);
  }
});

send(MessageBody.Notification, (builder) => {
  const pid = builder.createString(String(process.pid));
  return Notification.createNotification(builder, pid, Event.WORKER_RUNNING, 0, 0);
});
