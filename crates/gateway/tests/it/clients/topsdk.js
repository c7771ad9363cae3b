// Calls through npm's topsdk, unmodified. Reads a JSON array of calls from standard input, writes a
// JSON array of what the client returned or threw.
'use strict';

const TopClient = require('topsdk');

async function call({ url, app_key, secret, session, method, params, file }) {
  const client = new TopClient(app_key, secret, url);
  const all = Object.assign({}, params, session ? { session } : {});
  if (file) {
    all[file.name] = { value: Buffer.from(file.text), options: { filename: file.filename } };
  }
  try {
    return { ok: await client.execute(method, all, file ? 'FILE_UPLOAD' : undefined) };
  } catch (error) {
    // What it keeps of the answer is text.
    const answer = error.data ? JSON.parse(error.data) : {};
    const { msg, sub_msg, request_id } = answer.error_response || {};
    const { code, sub_code, message } = error;
    return { error: { code, msg, sub_code, sub_msg, request_id, message } };
  }
}

(async () => {
  const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const results = [];
  for (const one of calls) results.push(await call(one));
  process.stdout.write(JSON.stringify(results));
  // It keeps its connections alive.
  process.stdout.once('drain', () => process.exit());
  if (!process.stdout.writableNeedDrain) process.exit();
})();
