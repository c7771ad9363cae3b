// What the walks have in common: a browser that tells everything that goes wrong on a page, and what every page is
// held to.

const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
// As much as a page and all that it loads may need, as transferred.
const PAGE_BYTES_MAX = 150 * 1000;
const WIDTHS = [360, 1440];

// Runs `walk` in a browser; whatever a page complains about, or loads from elsewhere, ends it.
async function inBrowser(origins, walk) {
  // Root has no sandbox of Chromium's; only our own pages are visited.
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error}`));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && !origins.includes(origin)) complaints.push(`asks ${request.url()}`);
    });
    await walk(page);
    check(complaints.length === 0, complaints.join('\n'));
  } finally {
    await browser.close();
  }
}

function check(holds, what) {
  if (!holds) throw new Error(what);
}

// Loads a page anew and measures what it takes.
async function weigh(page, url) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  const response = await page.goto(url, { waitUntil: 'load' });
  check(response.ok(), `${url}: ${response.status()}`);
  await page.waitForTimeout(100);
  await session.detach();
  check(bytes > 0 && bytes <= PAGE_BYTES_MAX, `${url} takes ${bytes} bytes`);
  return bytes;
}

// What holds for every page: its weight, both widths and colour schemes without a serious fault, a heading, a
// language, and that a keyboard gets to its content.
async function inspect(page, url) {
  const bytes = await weigh(page, url);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      // What is folded has faults, too.
      await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => { fold.open = true; }));
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      check(sideways <= 0, `${url} is ${sideways} px too wide at ${width} px`);
      // Evaluated by the debugger's door, which the page's policy does not guard.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const told = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((n) => n.html).join(' … ')}`);
      check(serious.length === 0, `${url} at ${width} px, ${colorScheme}:\n${told.join('\n')}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(url);
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.getAttribute('href'));
  check(first === '#main', `the first stop of the keyboard on ${url} is ${first}`);
  check(await page.locator('h1').count() === 1, `${url} has not one h1`);
  check(await page.locator('html[lang]').count() === 1, `${url} names no language`);
  return bytes;
}

async function picture(page, folder, name, url) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(url);
    await page.screenshot({ path: path.join(folder, `${name}-${width}.png`) });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

module.exports = { check, inBrowser, inspect, picture };
