// What Postman's own reader makes of a collection.
const { Collection } = require('postman-collection');
const collection = new Collection(JSON.parse(require('fs').readFileSync(0, 'utf8')));
const items = collection.items.map((item) => ({
  name: item.name,
  method: item.request.method,
  url: item.request.url.toString(),
  mode: item.request.body.mode,
  form: item.request.body.urlencoded.map((param) => [param.key, param.value, param.disabled === true]),
  description: item.request.description.toString(),
}));
const variables = Object.fromEntries(collection.variables.map((variable) => [variable.key, variable.value]));
const scripts = collection.events.map((event) => [event.listen, event.script.exec.join('\n')]);
process.stdout.write(JSON.stringify({ name: collection.name, items, variables, scripts }));
