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

/** All addresses of a name; rejects where it has none, or where `signal` aborts before it is looked up. */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;

/**
 * Each takes one of the four threads that Node has for look-ups and files: name servers that hang must leave some to the
 * store.
 */
const LOOKUPS_AT_ONCE = 2;

/** Resolves as every program of this machine does, its `hosts` file included; two names at once, others wait. */
export function systemResolver(look: (hostname: string) => Promise<LookupAddress[]> = lookUp): Resolve {
  const queue = new PQueue({ concurrency: LOOKUPS_AT_ONCE });
  return (hostname, signal) =>
    queue.add(() => {
      // Not p-queue's own signal, which would let go of a look-up that still has its thread.
      signal.throwIfAborted();
      return look(hostname);
    });
}

function lookUp(hostname: string): Promise<LookupAddress[]> {
  return lookup(hostname, { all: true, order: 'verbatim' });
}

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
