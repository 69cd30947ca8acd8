// The man page and the completion match the program.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, start, temporaryFolder, within } from './support.mjs';

const deploy = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../deploy');
const page = path.join(deploy, 'man/upgate.1');
const completion = path.join(deploy, 'completion/upgate.bash');

async function output(t, command, args, options) {
  const child = start(t, command, args, options);
  const code = await within(30000, command, child.exited);
  assert.equal(code, 0, `${command} ${args}: ${child.errors}`);
  return { out: child.output, err: child.errors };
}

async function commands(t) {
  const { out } = await output(t, binary, ['--help']);
  const list = out.slice(out.indexOf('Subcommands:')).split('\n').slice(1);
  const names = list.map((line) => /^  (\w[\w-]*) /.exec(line)?.[1]).filter(Boolean);
  assert.ok(names.includes('run') && names.includes('probe'), out);
  return names;
}

async function flags(t, command) {
  const { out } = await output(t, binary, [command, '--help']);
  return [...new Set(out.match(/(?<![\w-])--[a-z][a-z-]*/g))];
}

// The completions for the last of `words`, which follow "upgate" on the command line.
async function complete(t, words, options) {
  const script = `source "$1"; shift
    COMP_WORDS=(upgate "$@"); COMP_CWORD=$#
    _upgate 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { out } = await output(t, 'bash', ['--norc', '-c', script, 'bash', completion, ...words], options);
  return out.split('\n').filter(Boolean);
}

test('the man page renders without warnings and names every command and flag', async (t) => {
  const rendered = await output(t, 'man', ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page]);
  assert.equal(rendered.err, '');
  const text = fs.readFileSync(page, 'utf8').replaceAll('\\-', '-');
  const gateway = /^\.Sh THE RUNNING GATEWAY$(.*?)^\.Sh /ms.exec(text)[1];
  for (const command of await commands(t)) {
    const begin = text.search(new RegExp(`^\\.It Cm ${command}\\b`, 'm'));
    assert.notEqual(begin, -1, `${command} has an entry`);
    // The entry ends at the next command.
    const next = text.slice(begin + 1).search(/^\.It Cm |^\.Sh /m);
    const entry = text.slice(begin, begin + 1 + next);
    // Several commands share the flags of a section of its own.
    const shared = entry.includes('.Sx THE RUNNING GATEWAY') ? gateway : '';
    for (const flag of await flags(t, command)) {
      const known = flag === '--help' ? text : entry + shared;
      assert.ok(known.includes(`Fl ${flag.slice(1)}`), `${command} ${flag} in:\n${entry}`);
    }
  }
});

test('the completion offers all commands and flags', async (t) => {
  const known = await commands(t);
  const offered = (await complete(t, [''])).filter((word) => !word.startsWith('-'));
  assert.deepEqual(offered.sort(), known.toSorted());
  for (const command of known) {
    assert.deepEqual((await complete(t, [command, '-'])).sort(), (await flags(t, command)).sort(), command);
  }
  assert.deepEqual(await complete(t, ['ex']), ['explain']);
  assert.deepEqual(await complete(t, ['probe', '--in']), ['--insecure']);
  assert.deepEqual(await complete(t, ['explain', 'wss']), ['wss://']);
  assert.deepEqual(await complete(t, ['nonsense', '']), []);
});

test('the completion offers files where files are expected', async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(`${folder}/upgate one.yaml`, '');
  fs.writeFileSync(`${folder}/upgate-two.yaml`, '');
  fs.writeFileSync(`${folder}/other`, '');
  for (const words of [['run', '--config', 'upg'], ['check', '-c', 'upg'], ['check', 'upg'],
    ['explain', '--config', 'upg'],
    ['probe', 'wss://a/', '--ca', 'upg']]) {
    assert.deepEqual((await complete(t, words, { cwd: folder })).sort(), ['upgate one.yaml', 'upgate-two.yaml'],
      words.join(' '));
  }
});
