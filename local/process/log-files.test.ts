import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';

import { tempFolder } from '../../testing/temp-folder.ts';
import { LogFollower, mergeByTime, readTail, rotateLogs, searchLogs } from './log-files.ts';

test('of a log that is too large, the end is kept; its writer keeps writing, and a follower misses no line', async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, 'api.log');
  await writeFile(join(folder.path, 'worker-1.log'), 'short\n');
  const lines: string[] = [];
  const follower = new LogFollower({
    folder: folder.path,
    service: 'api',
    write: (line) => lines.push(line),
  });
  const log = await open(path, 'a');
  await log.write('one\ntwo\n');
  await follower.printNew();
  await log.write('three\n');
  await follower.printNew();
  await rotateLogs(folder.path, 10);
  await log.write('four, cut off');
  await follower.printNew();
  await log.write(' and ended\n');
  await follower.printNew();
  await log.close();

  expect(await readFile(`${path}.1`, 'utf8')).toBe('two\nthree\n');
  expect(await readFile(path, 'utf8')).toBe('four, cut off and ended\n');
  expect(await readFile(join(folder.path, 'worker-1.log'), 'utf8')).toBe('short\n');
  expect(lines.map((line) => line.split('| ')[1])).toEqual([
    'one',
    'two',
    'three',
    'four, cut off and ended',
  ]);
});

test('lines are merged by time, whatever the format of the log', () => {
  const worker = [
    '[2026-01-01 10:00:01.000] INFO: worker-1: started',
    '    at stack trace',
    '[2026-01-01 10:00:03.000] end',
  ];
  const broker = ['2026-01-01 12:00:02.500000+02:00 [warning] a broker in another zone'];
  const json = [`{"level":30,"time":${Date.parse('2026-01-01T10:00:02.000Z')},"msg":"json"}`];
  const texts = (lines: readonly string[]) => lines.map((text) => ({ text }));
  expect(mergeByTime([worker, broker, json].map(texts)).map(({ text }) => text)).toEqual([
    worker[0],
    worker[1],
    json[0],
    broker[0],
    worker[2],
  ]);
});

test('a search finds all lines of a job, also in rotated logs and of other services', async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, 'api.log.1'), '2026-01-01T10:00:00.000Z accepted job-7\nother\n');
  await writeFile(join(folder.path, 'api.log'), '2026-01-01T10:00:05.000Z job-7 was read\n');
  await writeFile(join(folder.path, 'worker-1.log'), '2026-01-01T10:00:02.000Z started job-7\n');
  const lines: string[] = [];
  const options = { folder: folder.path, service: '', write: (line: string) => lines.push(line) };
  expect(await searchLogs(options, 'job-7')).toBe(3);
  expect(lines.map((line) => line.split('Z ')[1])).toEqual([
    'accepted job-7',
    'started job-7',
    'job-7 was read',
  ]);
  expect(await searchLogs(options, 'job-8')).toBe(0);
});

test('control characters in logs do not reach the terminal', async () => {
  await using folder = await tempFolder();
  const hostile = 'job-7 of \u001b[2Jconnection \u001b]0;title\u0007\u202e';
  await writeFile(join(folder.path, 'rabbitmq.log'), `2026-01-01T10:00:00.000Z ${hostile}\n`);
  const lines: string[] = [];
  const options = {
    folder: folder.path,
    service: '',
    write: (line: string) => lines.push(stripVTControlCharacters(line)),
  };
  await searchLogs(options, 'job-7');
  await new LogFollower(options).printNew();
  expect(lines).toHaveLength(2);
  lines.push(await readTail(join(folder.path, 'rabbitmq.log')));
  for (const line of lines) {
    expect(line).toContain('job-7 of connection');
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  }
});
