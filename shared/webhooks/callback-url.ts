import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { getDomain } from 'tldts';
import { isNameAllowed, whyAddressIsRefused, type AllowedReceivers } from './allowed-receivers.ts';

/** Maximum number of characters: longer URLs are not supported everywhere. */
export const MAX_CALLBACK_URL_LENGTH = 2_048;

/** Both addresses of `localhost`, as either may be used. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];

/**
 * What is wrong with the format of a callback URL, or undefined. Its path and query may contain secrets, so the message
 * never shows more than its host.
 */
export function whyNoCallbackUrl(text: string): string | undefined {
  if (text.length > MAX_CALLBACK_URL_LENGTH) {
    return `has ${text.length} characters; the maximum is ${MAX_CALLBACK_URL_LENGTH}`;
  }
  const url = URL.parse(text);
  if (url === null) return 'must be an absolute URL such as https://example.org/hook';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `starts with "${url.protocol}", but must start with http: or https:`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'must not contain a user or password; webhooks are signed instead';
  }
  return text.includes('#') ? 'must not contain a fragment (#…)' : undefined;
}

/** Why a webhook to this host is always blocked, or undefined. Without DNS: for IP addresses and `localhost`. */
export function whyHostIsRefused(url: URL, allowed: AllowedReceivers): string | undefined {
  const host = hostOf(url);
  if (isNameAllowed(host, allowed)) return undefined;
  const refused = addressesIn(host).map((address) => whyAddressIsRefused(address, allowed));
  return refused.find((reason) => reason !== undefined);
}

/** Without the brackets of IPv6. The URL parser has normalized other spellings of an IPv4 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The addresses of a host that are known without DNS. */
function addressesIn(host: string): readonly string[] {
  if (isIP(host) !== 0) return [host];
  return /^(.+\.)?localhost\.?$/.test(host) ? LOOPBACK : [];
}

/** Groups of 16 bits of an IPv6 address: the smallest network that a customer gets. */
const IPV6_NETWORK_GROUPS = 4;

/**
 * What counts as one receiver: all names in one registrable domain (Public Suffix List, with its private section), since
 * its owner can use any number of names in it; one IPv4 address; one /64 of IPv6.
 */
export function receiverKey(url: URL): string {
  const host = hostOf(url);
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return host;
  if (ipaddr.IPv6.isValid(host)) {
    return `${ipaddr.IPv6.parse(host).parts.slice(0, IPV6_NETWORK_GROUPS).join(':')}::/64`;
  }
  const name = host.toLowerCase().split('.').filter(Boolean).join('.');
  // Not validated: names that DNS resolves, but tldts refuses, would each be a receiver of their own.
  const domain = getDomain(name, {
    allowPrivateDomains: true,
    extractHostname: false,
    validateHostname: false,
  });
  return domain ?? name;
}
