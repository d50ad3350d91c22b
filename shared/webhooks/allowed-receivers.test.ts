import { describe, expect, it } from 'vitest';
import { isNameAllowed, nobody, parseAllowedReceivers, whyAddressIsRefused } from './allowed-receivers.ts';

describe('an address that a webhook would go to', () => {
  it.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    '%s is public',
    (address) => {
      expect(whyAddressIsRefused(address, nobody)).toBeUndefined();
    },
  );

  it.each([
    ['0.0.0.0', 'this network'],
    ['0.1.2.3', 'this network'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'CGNAT'],
    ['100.100.100.200', 'metadata of a cloud'],
    ['127.0.0.1', 'loopback'],
    ['127.8.8.8', 'loopback'],
    ['169.254.169.254', 'link-local, metadata of clouds'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relays'],
    ['192.168.0.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::7f00:1', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:8.8.8.8', 'IPv4-mapped'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b:1::7f00:1', 'local NAT64'],
    ['100::1', 'discard'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'metadata of a cloud'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['4000::1', 'not given to anybody'],
    ['localhost', 'no address'],
    ['', 'no address'],
  ])('%s is refused (%s)', (address) => {
    expect(whyAddressIsRefused(address, nobody)).toContain(address);
  });

  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3', ' 192.168.0.1 , 10.0.0.0/8'],
    ['::1', '::1'],
    ['fd12::7', 'fd12::/16'],
  ])('%s is allowed by %s', (address, list) => {
    expect(whyAddressIsRefused(address, parseAllowedReceivers(list))).toBeUndefined();
  });

  it.each([
    ['10.1.2.4', '10.1.2.3'],
    ['172.16.0.1', '10.0.0.0/8'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::1', '0.0.0.0/0'],
    ['127.0.0.1', 'localhost'],
  ])('%s is not allowed by %s', (address, list) => {
    expect(whyAddressIsRefused(address, parseAllowedReceivers(list))).toBeDefined();
  });
});

describe('the list of receivers in one’s own network', () => {
  it('has names, addresses and ranges', () => {
    const allowed = parseAllowedReceivers('Hooks.Internal, rabbit_1,,10.0.0.0/8,::1');
    expect(allowed.names).toEqual(['hooks.internal', 'rabbit_1']);
    expect(allowed.ranges).toHaveLength(2);
    for (const name of ['hooks.internal', 'hooks.internal.', 'rabbit_1']) {
      expect(isNameAllowed(name, allowed)).toBe(true);
    }
    expect(isNameAllowed('evil.hooks.internal', allowed)).toBe(false);
  });

  it.each(['http://host', 'host:80', '10.0.0', '10.0.0.256', '10.0.0.0/33', '127.1', 'a b', '*.host', '-a'])(
    '%s is none of them',
    (part) => {
      expect(() => parseAllowedReceivers(`host,${part}`)).toThrow(part);
    },
  );
});
