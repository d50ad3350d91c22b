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
  it('is taken at /ws while there is room', () => {
    expect(refusalOfHandshake(handshake, capacity, [])).toBeUndefined();
    const almostFull = { ...capacity, connections: 9, connectionsOfAddress: 4 };
    expect(refusalOfHandshake(handshake, almostFull, [])).toBeUndefined();
  });

  it.each([
    ['elsewhere', { path: '/' }, {}, 'not_found'],
    ['at an address that cannot be read', { path: undefined }, {}, 'not_found'],
    ['from a page elsewhere', { origin: 'https://evil.example' }, {}, 'origin_not_allowed'],
    ['before there is anything to tell', {}, { isReady: false }, 'not_ready'],
    ['from an address that has its share', {}, { connectionsOfAddress: 5 }, 'too_many_of_address'],
    ['when all room is taken', {}, { connections: 10 }, 'too_many_connections'],
  ])('is refused %s', (_where, change, seen, refusal) => {
    expect(refusalOfHandshake({ ...handshake, ...change }, { ...capacity, ...seen }, [])).toBe(refusal);
  });
});
