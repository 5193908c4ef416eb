// Real browsers with fake devices: Chromium by playwright-core, Firefox by puppeteer-core over
// WebDriver BiDi. Both give the same few methods: newPage, close, and pages with goto, evaluate,
// screenshot and close.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens `chromium` or `firefox` headless, with a fake camera and microphone that need no consent. */
export async function openBrowser(name) {
  if (name === "chromium") return openChromium();
  if (name === "firefox") return openFirefox();
  throw new Error(`unknown browser: ${name}`);
}

async function openChromium() {
  const { chromium } = await import("playwright-core");
  const profile = await mkdtemp(join(tmpdir(), "tureen-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    permissions: ["camera", "microphone"],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-background-timer-throttling",
      "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows",
      "--use-fake-device-for-media-stream=device-count=3,fps=15",
      "--use-fake-ui-for-media-stream",
      "--auto-select-desktop-capture-source=Entire screen",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  await context.addInitScript(watchDevices);
  return {
    newPage: () => context.newPage(),
    /** To all processes of the browser: SIGSTOP leaves its sockets open, and nobody behind them. */
    signal: (name) => processesOf(profile).forEach((pid) => process.kill(pid, name)),
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** In the page, before anything else: cameras are small, and all that is opened is known. */
function watchDevices() {
  globalThis.opened = [];
  const real = globalThis.MediaDevices?.prototype.getUserMedia;
  if (!real) return;
  MediaDevices.prototype.getUserMedia = async function (constraints) {
    const small = constraints.video ? { ...constraints, video: { ...constraints.video, width: 320, height: 180 } } : constraints;
    const stream = await real.call(this, small);
    globalThis.opened.push(...stream.getTracks());
    return stream;
  };
}

function processesOf(profile) {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(profile);
    } catch {
      return false;
    }
  });
}

async function openFirefox() {
  const { default: puppeteer } = await import("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "media.peerconnection.ice.loopback": false,
      "media.gmp-manager.updateEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
  return {
    newPage: () => browser.newPage(),
    close: () => browser.close(),
  };
}
