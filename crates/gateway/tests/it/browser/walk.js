// One walk through documentation, tool and console, as an integration developer and an operator take it.

const { check, inBrowser, inspect, picture } = require('./browser.js');

const { DOCS, CONSOLE, PICTURES } = process.env;
const CANCEL = 'alitrip.btrip.flight.distribution.order.cancel';
const REASON = '客户来电核对乘机人';

inBrowser([DOCS, CONSOLE], async (page) => {
  // A method is found by a Chinese word.
  await page.goto(`${DOCS}/docs`);
  await page.getByRole('searchbox').fill('取消');
  await page.keyboard.press('Enter');
  await page.locator('main').getByRole('link', { name: /取消订单/ }).first().click();
  check(page.url().endsWith(CANCEL), `the word leads to ${page.url()}`);

  // Its tool cancels a demo order.
  await page.locator('main').getByRole('link', { name: /API ?工具/ }).first().click();
  await page.getByLabel(/sub_channel/).fill('corp001');
  await page.getByLabel(/dis_order_id/).fill('demo-payable');
  await page.getByRole('button', { name: '发送' }).click();
  const answer = page.locator('#answer');
  await answer.getByText('cancel_time').first().waitFor();
  const requestId = (await answer.innerText()).match(/"request_id"\s*:\s*"([0-9a-z]+)"/)[1];

  // An operator finds the order by its number and sees the call in its timeline.
  await inspect(page, `${CONSOLE}/console/login`);
  await page.goto(`${CONSOLE}/console`);
  await page.getByLabel('账号').fill('demo');
  await page.getByLabel('密码').fill('demo');
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('searchbox').fill('demo-payable');
  await page.keyboard.press('Enter');
  await page.locator('main').getByRole('link', { name: /demo-payable/ }).first().click();
  const order = page.url();
  const cause = page.locator('main').getByRole('link', { name: requestId });
  await cause.waitFor();
  await cause.click();
  check((await page.locator('main').innerText()).includes(CANCEL), 'the call tells its method');

  // A name is seen by who says why, and the audit says so.
  await page.goto(order);
  const masked = await page.locator('main').innerText();
  await page.getByLabel('原因').fill(REASON);
  await page.getByRole('button', { name: /显示/ }).click();
  const revealed = await page.locator('main').innerText();
  check(!masked.includes('张三') && masked.includes('***'), 'names are masked');
  check(revealed.includes('张三'), 'a name is revealed');
  await page.getByRole('navigation').getByRole('link', { name: '审计' }).click();
  const row = page.getByRole('row').filter({ hasText: REASON });
  check((await row.innerText()).includes('demo-payable'), 'the audit names the order');

  // The same page in the other language.
  await page.getByRole('link', { name: 'English' }).click();
  await page.getByRole('navigation').getByRole('link', { name: 'Audit' }).waitFor();
  check(await page.locator('html').getAttribute('lang') === 'en', 'the page says that it is English');
  await page.getByRole('link', { name: '中文' }).click();

  const pages = {
    docs: `${DOCS}/docs`,
    method: `${DOCS}/docs/${CANCEL}`,
    tool: `${DOCS}/docs/${CANCEL}/tool`,
    order,
    calls: `${CONSOLE}/console/calls`,
  };
  for (const [name, url] of Object.entries(pages)) await picture(page, PICTURES, name, url);

  // Every page that a link leads to is held to the same.
  const seen = new Map();
  const open = Object.values(pages).concat(`${CONSOLE}/console/audit`);
  const kind = (url) => url.replace(/[?#].*/, '').replace(/(console\/calls|orders\/[a-z]+|console\/apps)\/.*/, '$1/…');
  while (open.length > 0) {
    const url = open.shift();
    if (seen.has(kind(url))) continue;
    seen.set(kind(url), await inspect(page, url));
    const links = await page.evaluate(() => [...document.links].map((link) => link.href));
    const ours = links.filter((link) => [DOCS, CONSOLE].includes(new URL(link).origin));
    open.push(...ours.filter((link) => !/\.json|\/ops\/|[?&]lang=/.test(link)));
  }
  for (const [url, bytes] of seen) console.log(`${bytes}\t${url}`);
  check(seen.size > 20, `only ${seen.size} pages were found`);
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
