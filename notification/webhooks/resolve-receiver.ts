import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
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
 * Resolves the host names of receivers. Those of this network, which the configuration allows or which have no dot, are
 * resolved by the system, with its `hosts` file and search domains. All others may have name servers that never respond, so
 * they are resolved by DNS queries, which take no threads: any number of them can wait.
 * @param servers addresses of the name servers, with port; default: those of the system
 */
export function receiverResolver(allowed: AllowedReceivers, servers?: readonly string[]): Resolve {
  const system = systemResolver();
  return (hostname, signal) => {
    const isOwn = isNameAllowed(hostname, allowed) || /^([^.]+|.+\.localhost)\.?$/i.test(hostname);
    return isOwn ? system(hostname, signal) : queryDns(hostname, servers);
  };
}

/** Of the first query, in milliseconds; the second one waits twice as long. */
const QUERY_TIMEOUT_MS = 2_000;

async function queryDns(hostname: string, servers?: readonly string[]): Promise<LookupAddress[]> {
  // A new one reads the system's configuration again, which may have changed.
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = [v4, v6].flatMap((found) => (found.status === 'fulfilled' ? found.value : []));
  if (v4.status === 'rejected' && addresses.length === 0) throw v4.reason;
  return addresses.map((address) => ({ address, family: isIP(address) }));
}

/**
 * Each look-up takes one of Node's four threads for look-ups and files: name servers that do not respond must leave some to
 * the store.
 */
const LOOKUPS_AT_ONCE = 2;

/** Resolves with the system's resolver; two names at once, others wait. */
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
