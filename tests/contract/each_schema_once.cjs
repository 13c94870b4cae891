// Loaded before Spectral, which copies the schema of every example and compiles the copy: most are the same.
const { default: Ajv } = require("ajv/dist/core");

const compile = Ajv.prototype.compile;
const compiled = new WeakMap();

Ajv.prototype.compile = function (schema, ...more) {
  if (!compiled.has(this)) compiled.set(this, new Map());
  const known = compiled.get(this);
  const text = JSON.stringify(schema);
  if (!known.has(text)) known.set(text, compile.call(this, schema, ...more));
  return known.get(text);
};
