// A real browser logs in, is attacked, and logs out. Arguments: the gateway's origin, a folder for the browser.
//
// The browser is the one of the npm package @sparticuz/chromium, which brings all that it needs on Linux with x64. The
// variable CHROMIUM names another one; elsewhere it is the Chrome that is installed.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [origin, folder] = process.argv.slice(2);

async function launch() {
  const args = ['--no-sandbox', '--disable-gpu'];
  if (process.env.CHROMIUM) return chromium.launch({ executablePath: process.env.CHROMIUM, args });
  if (process.platform === 'linux' && process.arch === 'x64') {
    // It unpacks to the folder of temporary files.
    process.env.TMPDIR = folder;
    const { inflate } = await import('@sparticuz/chromium');
    const bin = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')));
    const [executablePath, libraries] = await Promise.all(['chromium.br', 'al2023.tar.br'].map((name) => inflate(join(bin, name))));
    const env = { ...process.env, LD_LIBRARY_PATH: join(libraries, 'lib') };
    assert(existsSync(env.LD_LIBRARY_PATH));
    return chromium.launch({ executablePath, args: [...args, '--no-zygote'], env });
  }
  try {
    return await chromium.launch({ channel: 'chrome' });
  } catch (error) {
    throw new Error('no browser: install Chrome, or name a Chromium by the variable CHROMIUM', { cause: error });
  }
}

const browser = await launch();
try {
  const context = await browser.newContext();
  const page = await context.newPage();
  const cookies = async () => (await context.cookies(origin)).filter((cookie) => cookie.name.startsWith('__Host-'));

  // In.
  await page.goto(`${origin}/page?a=1`);
  assert.notEqual(new URL(page.url()).origin, origin);
  const pending = await cookies();
  assert.equal(pending.length, 1);
  assert.match(pending[0].name, /^__Host-causeway\.login-/);
  await page.fill('[name=login]', 'alice');
  await page.click('button');
  await page.waitForURL(`${origin}/page?a=1`);
  const [session, ...others] = await cookies();
  assert.deepEqual(others, []);
  assert.equal(session.name, '__Host-causeway');
  assert.equal(session.path, '/');
  assert(session.httpOnly && session.secure);
  assert.equal(session.sameSite, 'Lax');
  assert.equal(await page.evaluate(() => document.cookie), '');

  // The gateway's own pages may change things.
  const post = (method) => page.evaluate(async (method) => (await fetch('/page', { method })).status, method);
  assert.equal(await post('POST'), 200);
  assert.equal(await post('DELETE'), 200);

  // Others may not: neither one of the same site, with which the browser sends the cookie, nor one of another.
  for (const [elsewhere, status] of [['http://localhost:9', 403], ['http://evil.test', 401]]) {
    await page.route(`${elsewhere}/**`, (route) => route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${origin}/page"><button>Win</button></form><a href="${origin}/auth/logout">Free</a>`,
    }));
    await page.goto(`${elsewhere}/trap`);
    const [answer] = await Promise.all([page.waitForResponse(`${origin}/page`), page.click('button')]);
    assert.equal(answer.status(), status, elsewhere);
    await page.goto(`${elsewhere}/trap`);
    const [logout] = await Promise.all([page.waitForResponse(`${origin}/auth/logout`), page.click('a')]);
    assert.equal(logout.status(), 403, elsewhere);
    assert.equal((await cookies()).length, 1);
  }

  // A second tab is in without a form.
  const second = await context.newPage();
  assert.equal((await second.goto(`${origin}/second`)).status(), 200);
  await second.close();

  // Out, here and at the provider.
  await page.goto(`${origin}/page`);
  await page.evaluate(() => { location.href = '/auth/logout'; });
  await page.click('text=Log out');
  await page.waitForURL((url) => url.origin !== origin || url.pathname === '/');
  assert.deepEqual((await cookies()).filter((cookie) => cookie.name === '__Host-causeway'), []);
  await page.goto(`${origin}/page`);
  await page.waitForSelector('[name=login]');

  // Two tabs of somebody who is in nowhere: both get where they wanted.
  const tabs = [page, await context.newPage()];
  for (const [number, tab] of tabs.entries()) await tab.goto(`${origin}/tab${number}`);
  for (const [number, tab] of tabs.entries()) {
    await tab.fill('[name=login]', 'bob');
    await tab.click('button');
    await tab.waitForURL(`${origin}/tab${number}`);
  }
  console.log(`done with ${browser.version()}`);
} finally {
  await browser.close();
}
