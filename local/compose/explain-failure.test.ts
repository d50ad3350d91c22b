import { ConfigError } from '@image-pipeline/shared/config.ts';
import { expect, test } from 'vitest';
import { configurationProblemIn, explainFailure } from './explain-failure.ts';

const ports = new Map([[8000, 'API_PORT']]);

test.each([
  'Error response from daemon: driver failed programming external connectivity on endpoint x_api_1 (9f): Bind for 127.0.0.1:8000 failed: port is already allocated',
  'ERROR: for api  Cannot start service api: driver failed programming external connectivity on endpoint x_api_1 (9f): Error starting userland proxy: listen tcp4 127.0.0.1:8000: bind: address already in use',
  'Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint x_api_1 (9f): failed to bind host port 127.0.0.1:8000/tcp: address already in use',
  'Error response from daemon: driver failed programming external connectivity on endpoint x_api_1 (9f): failed to bind host port for 127.0.0.1:8000:172.18.0.2:8000/tcp: address already in use',
  'Error response from daemon: failed to bind host port [::1]:8000/tcp: address already in use',
])('a port in use is reported with its setting: %s', (output) => {
  expect(explainFailure(`Creating x_api_1 ... error\n\n${output}\n`, ports)).toBe(
    'Port 8000 is already in use. Stop the program that uses it (to find it: lsof -i :8000), or set API_PORT in .env to another port.',
  );
});

test('a full disk is reported', () => {
  expect(explainFailure('ERROR: write /x: no space left on device', ports)).toMatch(/disk is full/);
});

test('otherwise the first line with an error is used, or else the last line', () => {
  expect(explainFailure('Step 1/9\nERROR: Service "api" failed to build: x\nmore', ports)).toBe(
    'ERROR: Service "api" failed to build: x',
  );
  expect(explainFailure('one\ntwo\n', ports)).toBe('two');
});

test('the configuration problem of a service is found in its log', () => {
  const said = new ConfigError(['API_PORT is "x", but must be a number', 'another']).message;
  expect(configurationProblemIn(`starting\n${said}\n`)).toBe('API_PORT is "x", but must be a number');
  expect(configurationProblemIn('ready')).toBeUndefined();
});
