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

test('without a terminal nobody is asked, so nothing ever waits for an answer', async () => {
  const { guide, written } = givenGuide();
  await guide.predict('what happens?', CHOICES);
  expect(await written()).toBe('');
});

test('on a terminal people choose, and the choice is repeated', async () => {
  const { guide, input, written } = givenGuide({ isTTY: true });
  input.write('B\n');
  await guide.predict('what happens?', CHOICES);
  const shown = await written();
  expect(shown).toContain('Your prediction: what happens?\n  a) it is lost\n  b) it waits\n');
  expect(shown).toContain('You expect: it waits.');
});

test('Enter, anything else, and the end of the input go on without a choice', async () => {
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

test('who stops at a question is not asked any more, and no command runs', async () => {
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

test('a command is shown before it runs, its further lines indented', async () => {
  const { guide, written } = givenGuide();
  const ran = guide.run('curl -X POST "http://localhost:8000/upload" \\\n-F "file=@a.jpg"', () =>
    Promise.resolve(202),
  );
  expect(await ran).toBe(202);
  expect(await written()).toBe('\n$ curl -X POST "http://localhost:8000/upload" \\\n    -F "file=@a.jpg"\n');
});

test('a broken promise is an error, and then nothing is taught', async () => {
  const { guide, written } = givenGuide();
  const conclusion = { saw: ['one job ended'], learned: ['no job is lost'] };
  expect(() => guide.conclude({ ...conclusion, broken: ['Job 7 did not end.'] })).toThrow(
    'did not behave as expected',
  );
  const shown = await written();
  expect(shown).toContain('What should not have happened\n\n  - Job 7 did not end.');
  expect(shown).not.toContain('no job is lost');
});
