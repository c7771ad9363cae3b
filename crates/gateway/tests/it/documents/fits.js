// Says for each call and answer what in it the OpenAPI document does not allow.
const Ajv = require('ajv/dist/2020');
const { document, calls } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
// Nothing may be there that is not described.
for (const schema of Object.values(document.components.schemas)) close(schema);
function close(schema) {
  if (schema === null || typeof schema !== 'object') return;
  if (schema.type === 'object' && schema.properties) schema.additionalProperties = false;
  Object.values(schema).forEach(close);
}
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(document, 'document');
const pointer = (...steps) =>
  'document#/' + steps.map((s) => encodeURIComponent(s.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');
const wrong = calls.map(({ method, request, answer }) => {
  const post = ['paths', `/router/rest#method=${method}`, 'post'];
  const said = (steps, value) => {
    const validate = ajv.getSchema(pointer(...post, ...steps, 'schema'));
    return validate(value) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`);
  };
  return [
    said(['requestBody', 'content', 'application/x-www-form-urlencoded'], request),
    said(['responses', '200', 'content', 'text/javascript'], answer),
  ];
});
process.stdout.write(JSON.stringify(wrong));
