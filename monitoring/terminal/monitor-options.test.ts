import { expect, it } from 'vitest';
import { addressIn, monitorAddress } from './monitor-options.ts';

it.each(['http://a:1', 'http://a:1/', 'http://a:1/status', 'http://a:1/status/'])(
  'understands %s',
  (given) => {
    expect(monitorAddress(given)).toBe('http://a:1');
  },
);

it.each([
  [{}, 'http://localhost:8002'],
  [{ MONITORING_URL: '', MONITORING_PORT: '' }, 'http://localhost:8002'],
  [{ MONITORING_PORT: '18002' }, 'http://localhost:18002'],
  [{ MONITORING_URL: 'http://a:1/status', MONITORING_PORT: '18002' }, 'http://a:1'],
])('finds the address in %j', (env, url) => {
  expect(addressIn(env)).toEqual({ url });
});

it.each([
  [{ MONITORING_URL: 'nowhere' }, { variable: 'MONITORING_URL', given: 'nowhere' }],
  [{ MONITORING_PORT: '80/x' }, { variable: 'MONITORING_PORT', given: '80/x' }],
  [{ MONITORING_PORT: '65536' }, { variable: 'MONITORING_PORT', given: '65536' }],
])('names the variable of %j', (env, problem) => {
  expect(addressIn(env)).toMatchObject(problem);
});
