import { isIP } from 'node:net';
import { isNameAllowed, whyAddressIsRefused, type AllowedReceivers } from './allowed-receivers.ts';

/** Characters; as long as addresses may be everywhere. */
export const MAX_CALLBACK_URL_LENGTH = 2_048;

/** Both of `localhost`, as either may be tried. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];

/**
 * What is wrong with the form of an address for webhooks, or undefined. The text may carry secrets in its path and
 * query, so what is said about it never shows more than its host.
 */
export function whyNoCallbackUrl(text: string): string | undefined {
  if (text.length > MAX_CALLBACK_URL_LENGTH) {
    return `has ${text.length} characters, over the limit of ${MAX_CALLBACK_URL_LENGTH}`;
  }
  const url = URL.parse(text);
  if (url === null) return 'is no absolute address such as https://example.org/hook';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `begins with "${url.protocol}", but only http: and https: are taken`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'has a user or password in it; webhooks are signed instead';
  }
  return text.includes('#') ? 'has a fragment (#…), which is never sent' : undefined;
}

/** Why a webhook to this host would be refused whatever DNS says, or undefined: its host is an address, or `localhost`. */
export function whyHostIsRefused(url: URL, allowed: AllowedReceivers): string | undefined {
  const host = hostOf(url);
  if (isNameAllowed(host, allowed)) return undefined;
  const refused = addressesIn(host).map((address) => whyAddressIsRefused(address, allowed));
  return refused.find((reason) => reason !== undefined);
}

/** Without the brackets of IPv6. The parser of URLs has made other spellings of an IPv4 address into the usual one. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The addresses that a host is known to have without asking DNS. */
function addressesIn(host: string): readonly string[] {
  if (isIP(host) !== 0) return [host];
  return /^(.+\.)?localhost\.?$/.test(host) ? LOOPBACK : [];
}
