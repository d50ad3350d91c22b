import ipaddr from 'ipaddr.js';
import { hostOf } from './callback-url.ts';

/** Groups of 16 bits of an IPv6 address: the smallest network that a customer gets. */
const IPV6_NETWORK_GROUPS = 4;

/**
 * What counts as one receiver: all names that end in the same two labels, since the owner of a domain can use any number
 * of names in it; one IPv4 address; one /64 of IPv6.
 */
export function receiverKey(url: URL): string {
  const host = hostOf(url);
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return host;
  if (ipaddr.IPv6.isValid(host)) {
    return `${ipaddr.IPv6.parse(host).parts.slice(0, IPV6_NETWORK_GROUPS).join(':')}::/64`;
  }
  return host.toLowerCase().split('.').filter(Boolean).slice(-2).join('.');
}
