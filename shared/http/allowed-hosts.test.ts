import { expect, it } from 'vitest';
import { hostsOf, isHostAllowed } from './allowed-hosts.ts';

const allowed = ['api', ...hostsOf('https://images.example.org:8443/base', '')];

it.each([
  undefined,
  'localhost',
  'LOCALHOST:8000',
  'page.localhost:1',
  '127.0.0.1:8000',
  '127.8.9.1',
  '[::1]:8000',
  '10.0.0.7:9100',
  'api:8000',
  'images.example.org',
])('the host %s is allowed', (host) => {
  expect(isHostAllowed(host, '::ffff:10.0.0.7', allowed)).toBe(true);
});

it.each([
  '',
  'attacker.example',
  'attacker.example:8000',
  'localhost.attacker.example',
  '127.0.0.1.attacker.example',
  'api.attacker.example',
  'images.example.org.',
  '10.0.0.8',
  '[fe80::1]',
  'localhost@attacker.example',
  'a b',
])('the host "%s" is not', (host) => {
  expect(isHostAllowed(host, '10.0.0.7', allowed)).toBe(false);
});

it('any host is allowed where the list says so', () => {
  expect(isHostAllowed('attacker.example', undefined, ['*'])).toBe(true);
});
