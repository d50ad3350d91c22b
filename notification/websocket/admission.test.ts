import { describe, expect, it } from 'vitest';
import { isOriginAllowed, refusalOfAllJobs, refusalOfHandshake } from './admission.ts';

const handshake = { path: '/ws', origin: undefined, host: 'localhost:8001' };
const capacity = {
  isReady: true,
  connections: 0,
  connectionsOfAddress: 0,
  maxConnections: 10,
  maxConnectionsPerAddress: 5,
};

describe('a handshake', () => {
  it('is accepted at /ws while there is capacity', () => {
    expect(refusalOfHandshake(handshake, capacity, [])).toBeUndefined();
    const almostFull = { ...capacity, connections: 9, connectionsOfAddress: 4 };
    expect(refusalOfHandshake(handshake, almostFull, [])).toBeUndefined();
  });

  it.each([
    ['elsewhere', { path: '/' }, {}, 'not_found'],
    ['at a malformed URL', { path: undefined }, {}, 'not_found'],
    ['from a page of another host', { origin: 'https://evil.example' }, {}, 'origin_not_allowed'],
    ['before the event log has been read', {}, { isReady: false }, 'service_unavailable'],
    ['from an address with too many connections', {}, { connectionsOfAddress: 5 }, 'too_many_of_address'],
    ['when all connections are taken', {}, { connections: 10 }, 'too_many_connections'],
  ])('is rejected %s', (_where, change, seen, refusal) => {
    expect(refusalOfHandshake({ ...handshake, ...change }, { ...capacity, ...seen }, [])).toBe(refusal);
  });
});

describe('without a list of origins', () => {
  it.each([
    ['a program', undefined, 'images.example.org:8001'],
    ['a page of the same host, on another port', 'https://images.example.org', 'images.example.org:8001'],
    ['a page of this machine', 'http://localhost:8000', '127.0.0.1:8001'],
    ['a page of this machine by address', 'http://127.0.0.1:3000', 'localhost:8001'],
    ['a page of this machine by IPv6 address', 'http://[::1]:3000', 'localhost:8001'],
  ])('%s may connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(true);
  });

  it.each([
    ['a page of another host', 'https://evil.example', 'images.example.org:8001'],
    ['a host with a similar name', 'https://evil-images.example.org', 'images.example.org'],
    ['a host whose name starts with localhost', 'http://localhost.evil.example', 'localhost:8001'],
    ['a page with an opaque origin', 'null', 'localhost:8001'],
    ['a file', 'file://', 'localhost:8001'],
    ['an extension', 'chrome-extension://localhost', 'localhost:8001'],
    ['nonsense', 'http://', ''],
  ])('%s may not connect', (_who, origin, host) => {
    expect(isOriginAllowed(origin, host, [])).toBe(false);
  });
});

describe('with a list of origins', () => {
  const allowed = ['https://images.example.org'];

  it('pages of these origins and programs may connect', () => {
    expect(isOriginAllowed('https://images.example.org', 'api.example.org', allowed)).toBe(true);
    expect(isOriginAllowed(undefined, 'api.example.org', allowed)).toBe(true);
  });

  it('other pages may not', () => {
    expect(isOriginAllowed('http://images.example.org', 'images.example.org', allowed)).toBe(false);
    expect(isOriginAllowed('http://localhost:8000', 'localhost:8001', allowed)).toBe(false);
  });
});

const token = 'b6a5d3c1f0e94872';

describe('watching all jobs', () => {
  it('needs no token outside of production', () => {
    expect(refusalOfAllJobs(undefined, { isOpen: true, token })).toBeUndefined();
  });

  it('needs the token in production', () => {
    const access = { isOpen: false, token };
    expect(refusalOfAllJobs(token, access)).toBeUndefined();
    for (const given of [undefined, '', 'b6a5d3c1f0e94873', token.slice(1), `${token} `]) {
      expect(refusalOfAllJobs(given, access)).toBe('token_required');
    }
  });

  it('is impossible in production without a token configured', () => {
    expect(refusalOfAllJobs('', { isOpen: false, token: '' })).toBe('token_not_set');
  });
});
