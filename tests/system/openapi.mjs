// docs/admin-openapi.yaml, and whether answers of the admin address are as it says.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/admin-openapi.yaml');
const toJson = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding="utf-8")), sys.stdout)';
export const openapi = JSON.parse(execFileSync('python3', ['-c', toJson, file], { encoding: 'utf8' }));

// Follows "#/components/..." references.
export function resolve(node) {
  while (node?.$ref) {
    const at = node.$ref;
    assert.ok(at.startsWith('#/'), `${at} leads out of the document`);
    node = at.slice(2).split('/').reduce((part, name) => part?.[name], openapi);
    assert.ok(node, `${at} leads nowhere`);
  }
  return node;
}

function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const known = new Set(['type', 'required', 'properties', 'additionalProperties', 'items', 'enum', 'const', 'minimum',
  'maximum', 'minItems', 'maxLength', 'description', '$ref']);

// The part of JSON Schema that the document uses; other keywords are an error, because they would not be checked.
export function check(value, unresolved, where = 'the answer') {
  const schema = resolve(unresolved);
  for (const word of Object.keys(schema)) assert.ok(known.has(word), `${where}: unknown keyword ${word}`);
  const type = typeOf(value);
  if (schema.type) {
    const types = [schema.type].flat();
    const number = type === 'integer' && types.includes('number');
    assert.ok(number || types.includes(type), `${where} is ${type}, not ${types}`);
  }
  if (schema.enum) assert.ok(schema.enum.includes(value), `${where} is ${JSON.stringify(value)}`);
  if ('const' in schema) assert.deepEqual(value, schema.const, where);
  if (typeof value === 'number') {
    assert.ok(value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity), `${where} is ${value}`);
  }
  if (schema.maxLength !== undefined && type === 'string') assert.ok(value.length <= schema.maxLength, where);
  if (type === 'array') {
    assert.ok(value.length >= (schema.minItems ?? 0), `${where} has ${value.length} items`);
    if (schema.items) value.forEach((item, i) => check(item, schema.items, `${where}[${i}]`));
  }
  if (type !== 'object') return;
  for (const name of schema.required ?? []) assert.ok(name in value, `${where} lacks ${name}`);
  for (const [name, member] of Object.entries(value)) {
    const of = schema.properties?.[name] ?? schema.additionalProperties;
    if (of) check(member, of, `${where}.${name}`);
  }
}

// Checks an answer against the document. `route`: the key in `paths`, "/sessions/{id}".
export function checkAnswer(method, route, answer) {
  const operation = openapi.paths[route]?.[method.toLowerCase()];
  assert.ok(operation, `${method} ${route} is not in the document`);
  const response = resolve(operation.responses[answer.status] ?? operation.responses.default);
  assert.ok(response, `${method} ${route}: ${answer.status} is not in the document`);
  const type = answer.headers['content-type'].split(';')[0];
  const content = response.content[type];
  assert.ok(content, `${method} ${route}: ${answer.status} with ${type} is not in the document`);
  check(type === 'application/json' ? JSON.parse(answer.body) : answer.body, content.schema);
}
