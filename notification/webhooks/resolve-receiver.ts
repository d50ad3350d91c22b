import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  isNameAllowed,
  whyAddressIsRefused,
  type AllowedReceivers,
} from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { hostOf } from '@image-pipeline/shared/webhooks/callback-url.ts';

/** All addresses of a name; rejects where it has none. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** As every program of this machine resolves names, its `hosts` file included. */
export const resolveBySystem: Resolve = (hostname) => lookup(hostname, { all: true, order: 'verbatim' });

/** Nothing may be sent there. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * The addresses to connect to, and to no others: a name that is asked for twice may answer twice. One address that is
 * refused refuses the name, or whoever owns it could have us try until a public one is chosen.
 * @throws AddressRefused, and what `resolve` rejects with
 */
export async function resolveReceiver(
  url: URL,
  allowed: AllowedReceivers,
  resolve: Resolve,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
  if (isNameAllowed(host, allowed)) return addresses;
  for (const { address } of addresses) {
    const reason = whyAddressIsRefused(address, allowed);
    if (reason !== undefined) throw new AddressRefused(reason);
  }
  return addresses;
}
