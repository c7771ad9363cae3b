// 签名：参数按名称排序，名称与值依次相连，再以 sign_method 计算。
// Signs: names and values in the order of the names, joined by nothing, digested by sign_method.
const hashing = require('crypto-js');
const beijing = new Date(Date.now() + 8 * 60 * 60 * 1000);
pm.variables.set('timestamp', beijing.toISOString().slice(0, 19).replace('T', ' '));
const sent = pm.request.body.urlencoded.all().filter((param) => !param.disabled && param.key !== 'sign');
const params = sent.map((param) => [param.key, pm.variables.replaceIn(param.value)]);
params.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
const text = params.map(([name, value]) => name + value).join('');
const secret = pm.variables.get('secret');
const digests = {
  'md5': () => hashing.MD5(secret + text + secret),
  'hmac': () => hashing.HmacMD5(text, secret),
  'hmac-sha256': () => hashing.HmacSHA256(text, secret),
};
const digest = digests[pm.variables.get('sign_method')];
if (!digest) throw new Error('sign_method: md5, hmac, hmac-sha256');
pm.variables.set('sign', digest().toString().toUpperCase());
