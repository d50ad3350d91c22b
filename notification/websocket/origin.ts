const loopback: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a page of this origin may connect. Programs send no origin; browsers always do, and let any page of the
 * web connect anywhere, including this machine.
 *
 * @param origin the header `Origin`
 * @param host the header `Host`
 * @param allowed exact origins; if empty, pages of this machine and of the requested host are allowed, on any port
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.length > 0) return allowed.includes(origin);
  const hostname = hostnameOf(origin);
  if (hostname === undefined) return false;
  return loopback.includes(hostname) || hostname === hostnameOf(`http://${host ?? ''}`);
}

function hostnameOf(address: string): string | undefined {
  const url = URL.parse(address);
  return url !== null && /^https?:$/.test(url.protocol) ? url.hostname : undefined;
}
