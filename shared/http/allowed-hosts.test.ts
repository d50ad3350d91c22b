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
  '192.168.1.5',
  '[fe80::1]:8000',
  'host.docker.internal:8000',
  'api:8000',
  'images.example.org',
])('the host %s is allowed', (host) => {
  expect(isHostAllowed(host, allowed)).toBe(true);
});

it.each([
  '',
  'attacker.example',
  'attacker.example:8000',
  'localhost.attacker.example',
  '127.0.0.1.attacker.example',
  'api.attacker.example',
  'images.example.org.',
  'localhost@attacker.example',
  'a b',
])('the host "%s" is not', (host) => {
  expect(isHostAllowed(host, allowed)).toBe(false);
});

it('any host is allowed where the list says so', () => {
  expect(isHostAllowed('attacker.example', ['*'])).toBe(true);
});
