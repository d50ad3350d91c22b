import { expect, test } from 'vitest';
import { readContainers, workerToStart, workerToStop, type Container } from './container.ts';
import { someContainer } from './testing/some-container.ts';

const inspected = (service: string, number: number, state: object, ports: object = {}) => ({
  Id: `${service}${number}`,
  Name: `/x_${service}_${number}`,
  RestartCount: 0,
  State: { Status: 'running', ExitCode: 0, Pid: 7, StartedAt: '2026-01-01T00:00:00.5Z', ...state },
  Config: {
    Labels: { 'com.docker.compose.service': service, 'com.docker.compose.container-number': String(number) },
  },
  HostConfig: { RestartPolicy: { Name: service === 'minio-setup' ? 'no' : 'unless-stopped' } },
  NetworkSettings: { Ports: ports },
});
const stateOf = (state: object): Container['state'] | undefined =>
  readContainers(JSON.stringify([inspected('api', 1, state)]))[0]?.state;

test('containers are sorted by service and number, with their published ports', () => {
  const given = [
    inspected('worker', 10, {}),
    inspected('worker', 2, {}),
    inspected('api', 1, {}, { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '8010' }], '9/tcp': null }),
  ];
  const containers = readContainers(JSON.stringify(given));
  expect(containers.map(({ name }) => name)).toEqual(['x_api_1', 'x_worker_2', 'x_worker_10']);
  expect([...(containers[0]?.ports ?? [])]).toEqual([[8000, 8010]]);
});

test('a container is ready when its health check says so, or if it has none', () => {
  expect(stateOf({})).toBe('ready');
  expect(stateOf({ Health: { Status: 'healthy' } })).toBe('ready');
  expect(stateOf({ Health: { Status: 'starting' } })).toBe('starting');
  expect(stateOf({ Health: { Status: 'unhealthy' } })).toBe('not ready');
});

test('a container that was stopped is stopped; one that exited with an error has failed', () => {
  expect(stateOf({ Status: 'exited', ExitCode: 143 })).toBe('stopped');
  expect(stateOf({ Status: 'exited', ExitCode: 78 })).toBe('failed');
  expect(stateOf({ Status: 'restarting', ExitCode: 78 })).toBe('restarting');
});

test('a one-shot container is done once it has succeeded; a stopped service is not', () => {
  const read = (service: string, state: object) =>
    readContainers(JSON.stringify([inspected(service, 1, state)]));
  const succeeded = { Status: 'exited', ExitCode: 0 };
  expect(read('minio-setup', {})).toMatchObject([{ state: 'ready', isDone: false }]);
  expect(read('minio-setup', succeeded)).toMatchObject([{ state: 'stopped', isDone: true }]);
  expect(read('minio-setup', { Status: 'exited', ExitCode: 78 })).toMatchObject([
    { state: 'failed', isDone: false },
  ]);
  expect(read('api', succeeded)).toMatchObject([{ state: 'stopped', isDone: false }]);
});

const containers = [
  someContainer('api', { number: 9 }),
  someContainer('worker', { number: 3, state: 'stopped' }),
  someContainer('worker', { number: 2 }),
  someContainer('worker', { number: 1 }),
];

test('stop-worker stops the newest running worker, start-worker starts a stopped one', () => {
  expect(workerToStop(containers)?.number).toBe(2);
  expect(workerToStart(containers)?.number).toBe(3);
});

test('there may be no worker to stop or to start', () => {
  expect(workerToStop([someContainer('worker', { state: 'stopped' })])).toBeUndefined();
  expect(workerToStart([someContainer('worker')])).toBeUndefined();
});
