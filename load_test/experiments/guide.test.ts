import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { Guide } from './guide.ts';

function givenGuide({ isTTY = false, stop = new AbortController().signal } = {}) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const guide = new Guide({ input, output }, stop);
  const written = async () => {
    output.end();
    return stripVTControlCharacters(await text(output));
  };
  return { guide, input, written };
}

const CHOICES = ['it is lost', 'it waits'];

test('without a terminal, no prediction is requested', async () => {
  const { guide, written } = givenGuide();
  await guide.predict('what happens?', CHOICES);
  expect(await written()).toBe('');
});

test('on a terminal, the chosen prediction is repeated', async () => {
  const { guide, input, written } = givenGuide({ isTTY: true });
  input.write('B\n');
  await guide.predict('what happens?', CHOICES);
  const shown = await written();
  expect(shown).toContain('Your prediction: what happens?\n  a) it is lost\n  b) it waits\n');
  expect(shown).toContain('You expect: it waits.');
});

test('Enter, an unknown letter and the end of the input continue without a prediction', async () => {
  for (const typed of ['\n', 'z\n']) {
    const { guide, input, written } = givenGuide({ isTTY: true });
    input.write(typed);
    await guide.predict('what happens?', CHOICES);
    expect(await written()).not.toContain('You expect');
  }
  const { guide, input } = givenGuide({ isTTY: true });
  input.end();
  await guide.predict('what happens?', CHOICES);
});

test('a stop at a question ends the question, and no further command runs', async () => {
  const stop = new AbortController();
  const { guide } = givenGuide({ isTTY: true, stop: stop.signal });
  const asked = guide.predict('what happens?', CHOICES);
  stop.abort();
  await expect(asked).rejects.toThrow('aborted');
  let ran = false;
  const run = guide.run('make scale N=0', () => {
    ran = true;
    return Promise.resolve();
  });
  await expect(run).rejects.toThrow('aborted');
  expect(ran).toBe(false);
});

test('a command is shown before it runs, with its further lines indented', async () => {
  const { guide, written } = givenGuide();
  const ran = guide.run('curl -X POST "http://localhost:8000/upload" \\\n-F "file=@a.jpg"', () =>
    Promise.resolve(202),
  );
  expect(await ran).toBe(202);
  expect(await written()).toBe('\n$ curl -X POST "http://localhost:8000/upload" \\\n    -F "file=@a.jpg"\n');
});

test('a violation is an error, and no lessons are shown', async () => {
  const { guide, written } = givenGuide();
  const conclusion = { observed: ['one job ended'], lessons: ['no job is lost'] };
  expect(() => guide.conclude({ ...conclusion, violations: ['Job 7 did not end.'] })).toThrow(
    'did not behave as expected',
  );
  const shown = await written();
  expect(shown).toContain('What should not have happened\n\n  - Job 7 did not end.');
  expect(shown).not.toContain('no job is lost');
});
