// Checks the style of JavaScript: two spaces, single quotes, semicolons, at most 120 columns, no tabs, no trailing
// spaces.
//   node tests/system/style.mjs FILE...     lists violations, and fails if there are any
// The contents of template literals are exempt: lines that begin or end in one may be of any length.
import fs from 'node:fs';
import { parse } from 'acorn';

const kColumns = 120;
const kWithSemicolon = new Set([
  'BreakStatement', 'ContinueStatement', 'DebuggerStatement', 'DoWhileStatement', 'ExportAllDeclaration',
  'ExpressionStatement',
  'ImportDeclaration', 'PropertyDefinition', 'ReturnStatement', 'ThrowStatement', 'VariableDeclaration',
]);

function needsSemicolon(node, parent, key) {
  if (node.type === 'ExportNamedDeclaration') return !node.declaration;
  if (node.type === 'ExportDefaultDeclaration') return !/^(Function|Class)Declaration$/.test(node.declaration.type);
  // A declaration in the head of a loop needs no semicolon of its own, nor does one inside an export.
  if (/^For/.test(parent?.type) && key !== 'body') return false;
  return kWithSemicolon.has(node.type);
}

function* nodesOf(node, parent = null, key = '') {
  yield { node, parent, key };
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') yield* nodesOf(child, node, name);
    }
  }
}

// The inner lines of multi-line template literals and comments.
function linesWithin(ranges) {
  const within = new Set();
  for (const { first, last } of ranges) {
    for (let line = first; line <= last; ++line) if (first !== last) within.add(line);
  }
  return within;
}

function faultsOf(text) {
  const faults = [];
  const note = (line, what) => faults.push({ line, what });
  const tokens = [];
  const comments = [];
  const program = parse(text, {
    ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true, onToken: tokens,
    onComment: comments,
  });
  const templates = [];
  for (const { node, parent, key } of nodesOf(program)) {
    if (node.type === 'TemplateLiteral') templates.push({ first: node.loc.start.line, last: node.loc.end.line });
    if (needsSemicolon(node, parent, key) && text[node.end - 1] !== ';')
      note(node.loc.end.line, 'missing semicolon');
  }
  for (const token of tokens) {
    const source = text.slice(token.start, token.end);
    if (token.type.label === 'string' && source[0] === '"' && !source.includes("'"))
      note(token.loc.start.line, `${source} is in double quotes`);
  }
  const content = linesWithin(templates);
  const free = linesWithin(comments.map(({ loc }) => ({ first: loc.start.line, last: loc.end.line })));
  text.split('\n').forEach((line, i) => {
    const number = i + 1;
    if (content.has(number)) return;
    if (line.length > kColumns) note(number, `${line.length} columns; at most ${kColumns}`);
    if (line.includes('\t')) note(number, 'a tab');
    if (/\s$/.test(line)) note(number, 'space at the end of the line');
    if (/^ */.exec(line)[0].length % 2 !== 0 && !free.has(number)) note(number, 'not indented by twos');
  });
  return faults.sort((a, b) => a.line - b.line);
}

// A sample to check that the checks work.
const kSample = `import fs from "node:fs"
const good = \`in a template "everything" goes,
 whatever it looks like  \`;
for (let i = 0; i < 2; ++i) { good(i, "it's"); }
   odd();
export default { a: 1 }
const tab =\t1;
const end = 2;${' '}
`;
const kSampleFaults = [[1, 'missing semicolon'], [1, '"node:fs" is'], [5, 'not indented'], [6, 'missing semicolon'],
  [7, 'a tab'],
  [8, 'space at']];

function testItself() {
  const found = faultsOf(kSample);
  const right = found.length === kSampleFaults.length &&
    kSampleFaults.every(([line, what], i) => found[i].line === line && found[i].what.startsWith(what));
  if (!right) throw new Error(`unexpected violations in the sample: ${JSON.stringify(found)}`);
}

testItself();
let total = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, what } of faultsOf(fs.readFileSync(file, 'utf8'))) {
    console.log(`${file}:${line}: ${what}`);
    ++total;
  }
}
process.exit(total > 0 ? 1 : 0);
