import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** Webhook receivers that are allowed although their addresses are not public. */
export interface AllowedReceivers {
  readonly names: readonly string[];
  readonly ranges: readonly Range[];
}

export const nobody: AllowedReceivers = { names: [], ranges: [] };

/** The public range of IPv6 (IANA); ipaddr.js also reports others as unicast, for example `::127.0.0.1`. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Parses comma-separated host names, addresses and CIDRs.
 * @throws Error that names the invalid part
 */
export function parseAllowedReceivers(text: string): AllowedReceivers {
  const parts = text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter(Boolean);
  const names: string[] = [];
  const ranges: Range[] = [];
  for (const part of parts) {
    const range = parseRange(part);
    if (range !== undefined) ranges.push(range);
    else if (HOST_NAME.test(part) && !/^[\d.]+$/.test(part)) names.push(part);
    else throw new Error(`Invalid receiver "${part}": use a host name, an address or a CIDR`);
  }
  return { names, ranges };
}

/** Addresses of the machine itself: a connection to 0.0.0.0 or :: reaches it, too. */
const LOOPBACK = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128', '::ffff:127.0.0.0/104'].map((range) =>
  ipaddr.parseCIDR(range),
);

/** Whether the list allows webhooks to the machine that sends them, as far as it is known without DNS. */
export function allowsLoopback({ names, ranges }: AllowedReceivers): boolean {
  const hasName = names.some((name) => /^(.+\.)?localhost$/.test(name));
  return hasName || ranges.some((range) => LOOPBACK.some((own) => overlap(range, own)));
}

function overlap([one, oneBits]: Range, [other, otherBits]: Range): boolean {
  return isWithin(one, other, Math.min(oneBits, otherBits));
}

/** Whether this host name is allowed, whatever its address. */
export function isNameAllowed(hostname: string, allowed: AllowedReceivers): boolean {
  return allowed.names.includes(hostname.replace(/\.$/, ''));
}

/**
 * Why webhooks to this address are blocked, or undefined if it is public or allowed. Blocked are all addresses of the
 * IANA special-purpose registries, and those that embed an IPv4 address (mapped, NAT64, 6to4, Teredo).
 * @param address without brackets
 */
export function whyAddressIsRefused(address: string, allowed: AllowedReceivers): string | undefined {
  if (!ipaddr.isValid(address)) return `${address} is not an IP address`;
  const parsed = ipaddr.parse(address);
  if (allowed.ranges.some(([base, bits]) => isWithin(parsed, base, bits))) return undefined;
  const range = parsed.range();
  if (range !== 'unicast') return `${address} is not public (${range})`;
  const isGlobal = parsed.kind() === 'ipv4' || isWithin(parsed, ...GLOBAL_IPV6);
  return isGlobal ? undefined : `${address} is not public`;
}

function isWithin(address: Address, base: Address, bits: number): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

function parseRange(part: string): Range | undefined {
  if (ipaddr.isValidCIDR(part)) return ipaddr.parseCIDR(part);
  // Four numbers: programs interpret shorter spellings differently.
  if (!ipaddr.IPv6.isValid(part) && !ipaddr.IPv4.isValidFourPartDecimal(part)) return undefined;
  const address = ipaddr.parse(part);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
