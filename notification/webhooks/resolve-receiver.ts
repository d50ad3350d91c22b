import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  isNameAllowed,
  whyAddressIsRefused,
  type AllowedReceivers,
} from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { hostOf } from '@image-pipeline/shared/webhooks/callback-url.ts';
import { pause } from '@image-pipeline/shared/waiting.ts';
import PQueue from 'p-queue';

/** The addresses of a host name, in any order; rejects if it has none, or if `signal` aborts before the look-up. */
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
    return isOwn ? system(hostname, signal) : queryDns(hostname, signal, servers);
  };
}

/** Of the first query, in milliseconds; the second one waits twice as long. */
const QUERY_TIMEOUT_MS = 2_000;
/** For the other address family once one has addresses, in milliseconds (RFC 8305, section 3, has 50 ms). */
const OTHER_FAMILY_MS = 250;

/** Rejects with an error of c-ares: that of a timeout if one of the two queries timed out. */
async function queryDns(
  hostname: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<LookupAddress[]> {
  signal.throwIfAborted();
  // A new one reads the system's configuration again, which may have changed.
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const found: LookupAddress[] = [];
  const errors: unknown[] = [];
  const [v4, v6] = [resolver.resolve4(hostname), resolver.resolve6(hostname)].map((query) =>
    query.then(
      (addresses) => void found.push(...addresses.map((address) => ({ address, family: isIP(address) }))),
      (error: unknown) => void errors.push(error),
    ),
  );
  await Promise.race([v4, v6]);
  const both = Promise.all([v4, v6]);
  await (found.length > 0 ? Promise.race([both, pause(OTHER_FAMILY_MS, signal)]) : both);
  signal.removeEventListener('abort', cancel);
  cancel();
  if (found.length === 0) throw errors.find((error) => errorCode(error) === DNS_TIMEOUT) ?? errors[0];
  // Not the list itself, to which an address may still be added after they were checked.
  return [...found];
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

/** Of c-ares; that of a connection is ETIMEDOUT. */
const DNS_TIMEOUT = 'ETIMEOUT';

/** The code of an error of the system or of c-ares; otherwise empty. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * The name has no address, or its name servers did not respond. A type of its own: codes such as ECONNREFUSED, here of a name
 * server, would look like the receiver's.
 */
export class NameNotResolved extends Error {
  override readonly name = 'NameNotResolved';
  readonly code: 'timed_out' | 'name_not_found';

  constructor(cause: unknown) {
    super('the host name was not resolved', { cause });
    this.code = errorCode(cause) === DNS_TIMEOUT ? 'timed_out' : 'name_not_found';
  }
}

/** The address is not allowed. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * The only addresses to connect to: a second look-up of the name may return others. One forbidden address rejects the
 * name; otherwise its owner could make the service retry until a private address is chosen.
 * @throws AddressRefused, NameNotResolved
 */
export async function resolveReceiver(
  url: URL,
  allowed: AllowedReceivers,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await resolveName(host, resolve, signal) : [{ address: host, family }];
  if (isNameAllowed(host, allowed)) return addresses;
  for (const { address } of addresses) {
    const reason = whyAddressIsRefused(address, allowed);
    if (reason !== undefined) throw new AddressRefused(reason);
  }
  return addresses;
}

async function resolveName(hostname: string, resolve: Resolve, signal: AbortSignal) {
  try {
    return await resolve(hostname, signal);
  } catch (error) {
    throw new NameNotResolved(error);
  }
}
