import ipaddr from 'ipaddr.js';
import { hostOf } from './callback-url.ts';

/** Of an IPv6 address, in groups of 16 bits: what one customer of a network has at least. */
const IPV6_NETWORK_GROUPS = 4;

/**
 * Who counts as one receiver: all names that end in the same two labels, as whoever owns a domain has any number of names
 * in it; one IPv4 address; one /64 of IPv6.
 */
export function receiverKey(url: URL): string {
  const host = hostOf(url);
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return host;
  if (ipaddr.IPv6.isValid(host)) {
    return `${ipaddr.IPv6.parse(host).parts.slice(0, IPV6_NETWORK_GROUPS).join(':')}::/64`;
  }
  return host.toLowerCase().split('.').filter(Boolean).slice(-2).join('.');
}
