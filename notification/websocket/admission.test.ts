import { describe, expect, it } from 'vitest';
import { refusalOfHandshake } from './admission.ts';

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
    ['before the event log has been read', {}, { isReady: false }, 'not_ready'],
    ['from an address with too many connections', {}, { connectionsOfAddress: 5 }, 'too_many_of_address'],
    ['when all connections are taken', {}, { connections: 10 }, 'too_many_connections'],
  ])('is rejected %s', (_where, change, seen, refusal) => {
    expect(refusalOfHandshake({ ...handshake, ...change }, { ...capacity, ...seen }, [])).toBe(refusal);
  });
});
