import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  isNameAllowed,
  whyAddressIsRefused,
  type AllowedReceivers,
} from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { hostOf } from '@image-pipeline/shared/webhooks/callback-url.ts';
import PQueue from 'p-queue';

/** All addresses of a host name; rejects if it has none, or if `signal` aborts before the look-up. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;

/**
 * Each look-up takes one of Node's four threads for look-ups and files: hanging name servers must leave some to the
 * store.
 */
const LOOKUPS_AT_ONCE = 2;

/** Resolves with the system's resolver, including the `hosts` file; two names at once, others wait. */
export function systemResolver(lookUpName: (hostname: string) => Promise<LookupAddress[]> = lookUp): Resolve {
  const queue = new PQueue({ concurrency: LOOKUPS_AT_ONCE });
  return (hostname, signal) =>
    queue.add(() => {
      // Not p-queue's own signal, which would abandon a look-up that still holds its thread.
      signal.throwIfAborted();
      return lookUpName(hostname);
    });
}

function lookUp(hostname: string): Promise<LookupAddress[]> {
  return lookup(hostname, { all: true, order: 'verbatim' });
}

/** The address is not allowed. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * The only addresses to connect to: a second look-up of the name may return others. One forbidden address rejects the
 * name; otherwise its owner could make the service retry until a private address is chosen.
 * @throws AddressRefused, and what `resolve` rejects with
 */
export async function resolveReceiver(
  url: URL,
  allowed: AllowedReceivers,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await resolve(host, signal) : [{ address: host, family }];
  if (isNameAllowed(host, allowed)) return addresses;
  for (const { address } of addresses) {
    const reason = whyAddressIsRefused(address, allowed);
    if (reason !== undefined) throw new AddressRefused(reason);
  }
  return addresses;
}
