// Calls through npm's node-taobao-topclient, unmodified. Reads a JSON array of calls from standard
// input, writes a JSON array of what the client returned or threw.
'use strict';

const TopClient = require('node-taobao-topclient').default;

async function call({ url, app_key, secret, session, method, params }) {
  const client = new TopClient({ appkey: app_key, appsecret: secret, REST_URL: url });
  const all = Object.assign({}, params, session ? { session } : {});
  try {
    return { ok: await client.execute(method, all) };
  } catch (error) {
    const { msg, sub_msg, request_id } = (error.data && error.data.error_response) || {};
    const { code, sub_code, message } = error;
    return { error: { code, msg, sub_code, sub_msg, request_id, message } };
  }
}

(async () => {
  const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const results = [];
  for (const one of calls) results.push(await call(one));
  process.stdout.write(JSON.stringify(results));
})();
