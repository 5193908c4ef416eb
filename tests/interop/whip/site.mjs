// A site of another origin than the server's, with the clients of npm in its page.
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

/** Starts the site. Resolves with its `origin` and `close()`. */
export async function startSite() {
  const script = await bundle();
  const site = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : "<!doctype html><video autoplay></video><script type=module src=/page.js></script>");
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  return {
    origin: `http://127.0.0.1:${site.address().port}`,
    close: () => {
      site.closeAllConnections();
      site.close();
    },
  };
}

/** A page of the site, its clients loaded. */
export async function openPage(browser, site) {
  const page = await browser.newPage();
  await page.goto(`${site.origin}/`);
  await page.waitForFunction(() => globalThis.media);
  return page;
}

async function bundle() {
  const { outputFiles: [file] } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL("page.mjs", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "warning",
  });
  await esbuild.stop();
  return file.text;
}
