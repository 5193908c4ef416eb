// Pictures of lobby and room for the README, from a real server with drawn people as cameras.
//
//   node screenshots.mjs DIRECTORY
import { join } from "node:path";
import { openBrowser } from "./browsers.mjs";
import { enterRoom, until } from "./pages.mjs";
import { startServer } from "./server.mjs";

const directory = process.argv[2];
const people = [["Ann", "#7fb3d5", "#5b3a29"], ["Chidi", "#a9cf9f", "#2b1d14"], ["Bob", "#e8b27d", "#c98b3c"], ["Zoë", "#c8a5d6", "#1f1a17"]];

/** In the page, before anything else: a camera that shows a drawn head, slowly moving. */
function drawnCamera([wall, hair]) {
  const real = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = async function (constraints) {
    if (!constraints.video) return real.call(this, constraints);
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const context = canvas.getContext("2d");
    const disc = (x, y, rx, ry, colour) => {
      context.fillStyle = colour;
      context.beginPath();
      context.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
      context.fill();
    };
    const draw = () => {
      const sway = Math.sin(performance.now() / 900) * 6;
      context.fillStyle = wall;
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = "rgb(255 255 255 / 22%)";
      context.fillRect(60, 40, 130, 170);
      disc(320 + sway, 400, 170, 130, "#3d5a6c");
      disc(320 + sway, 180, 84, 98, hair);
      disc(320 + sway, 196, 66, 80, "#f0c8a6");
      disc(296 + sway, 186, 7, 8, "#333");
      disc(344 + sway, 186, 7, 8, "#333");
      context.strokeStyle = "#a1554a";
      context.lineWidth = 5;
      context.beginPath();
      context.arc(320 + sway, 216, 24, 0.2, Math.PI - 0.2);
      context.stroke();
    };
    draw();
    setInterval(draw, 66);
    return canvas.captureStream(15);
  };
}

const server = await startServer();
const browsers = await Promise.all(people.map(() => openBrowser("chromium")));
try {
  const pages = await Promise.all(browsers.map((browser) => browser.newPage()));
  const shoot = (page, name) => page.screenshot({ path: join(directory, `${name}.png`) });
  const [ann] = pages;
  for (const [index, page] of pages.entries()) {
    const [name, ...colours] = people[index];
    await page.addInitScript(drawnCamera, colours);
    await page.goto(server.url);
    await page.evaluate((text) => localStorage.setItem("tureen.name", text), name);
  }
  await ann.goto(server.url);
  await ann.waitForSelector(".lobby");
  await ann.evaluate(() => document.querySelector(".lobby .start > button").click());
  await ann.evaluate(() => {
    document.querySelector("dialog input[type=text]").value = "Soup of the day";
    document.querySelector("dialog button[value=create]").click();
  });
  await ann.waitForSelector(".door select");
  await shoot(ann, "door");
  await ann.evaluate(() => document.querySelector(".door button[type=submit]").click());
  await ann.waitForSelector(".room");
  const room = ann.url().split("/").at(-1);
  for (const index of [1, 2]) await enterRoom(pages[index], server.url, room, people[index][0]);
  const zoe = pages[3];
  await zoe.goto(server.url);
  await until(zoe, "the room in the lobby", () => document.querySelector(".list .small")?.textContent.startsWith("3 people"));
  await shoot(zoe, "lobby");
  await enterRoom(zoe, server.url, room, "Zoë");
  await ann.evaluate(() => globalThis.tureen.call.say("Who brings the bread?"));
  await pages[1].evaluate(() => globalThis.tureen.call.say("I do. Two loaves, rye."));
  await pages[2].evaluate(() => document.querySelector(".bar [title='Turn the microphone off']")?.click());
  const allSeen = () => [...document.querySelectorAll(".tile video")].filter((video) => !video.hidden && video.videoWidth > 0).length === 4;
  await until(ann, "everyone", allSeen);
  await ann.evaluate(() => document.querySelector(".tile:not(.mirrored) [title=Statistics]").click());
  await until(ann, "figures", () => document.querySelector(".figures:not([hidden])")?.textContent.includes("bit/s"));
  await shoot(ann, "room");
  await zoe.evaluate(() => document.querySelector(".tile .put").click());
  await zoe.emulateMedia({ colorScheme: "dark" });
  await zoe.setViewportSize({ width: 390, height: 780 });
  await until(zoe, "the stage", () => document.querySelectorAll(".main .tile").length === 1);
  await until(zoe, "everyone", allSeen);
  await shoot(zoe, "room-phone-dark");
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  await server.stop();
}
