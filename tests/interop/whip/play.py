"""Plays a WHEP URL with aiortc until it has decoded pictures and sound, and prints what they were."""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

ENOUGH = 30


async def decode(track):
    """The last of a number of frames."""
    for _ in range(ENOUGH):
        frame = await asyncio.wait_for(track.recv(), 20)
    return frame


async def play(url):
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    # A data channel makes an m=application section, which the server has to reject by itself.
    connection.createDataChannel("chat")
    tracks = []
    connection.on("track", tracks.append)
    for kind in ["audio", "video"]:
        connection.addTransceiver(kind, direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp.encode()
    request = urllib.request.Request(url, offer, {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request) as response:
        answer = response.read().decode()
        session = urllib.parse.urljoin(url, response.headers["Location"])
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    frames = await asyncio.gather(*(decode(track) for track in tracks))
    seen = {track.kind: frame for track, frame in zip(tracks, frames)}
    print(json.dumps({"width": seen["video"].width, "rate": seen["audio"].sample_rate}))
    # In this order: the session ends as well when DTLS closes.
    urllib.request.urlopen(urllib.request.Request(session, method="DELETE"))
    await connection.close()


asyncio.run(asyncio.wait_for(play(sys.argv[1]), 60))
