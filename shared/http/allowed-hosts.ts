import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Variable } from '../config.ts';
import { PipelineError } from '../errors.ts';

const NAME = /^(\*|[a-z0-9]([a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/;

/** In containers, Docker resolves this name to the machine that runs them. */
const DOCKER_HOST = 'host.docker.internal';
/** Of a host name in a message, in characters. */
const MAX_NAME = 100;

/** The names under which a service may be asked, besides its own. */
export const allowedHostsVariable: Variable<readonly string[]> = {
  schema: z
    .string()
    .transform((given) =>
      given
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter(Boolean),
    )
    .refine((given) => given.every((name) => NAME.test(name))),
  default: '',
  form: 'comma-separated host names without port',
  example: 'images.example.org,api',
  description:
    'host names in URLs of services, besides localhost, IP addresses and the PUBLIC_… URLs; *: any',
};

/** The host names of public URLs, which are allowed, too. @param urls those that are not configured are empty */
export function hostsOf(...urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => URL.parse(url)?.hostname ?? []);
}

/**
 * Refuses a request for another host: with a name of its own that resolves to this machine, any page of the web could
 * otherwise read and change everything (DNS rebinding). That takes a name, so every IP address is allowed.
 * A page of another site may not send anything either, since browsers let it, although it cannot read the response.
 * @param allowed see `allowedHostsVariable`
 * @throws PipelineError `malformed_request`, `host_not_allowed`, `cross_site`
 */
export function refuseForeignHost(request: IncomingMessage, allowed: readonly string[]): void {
  const { headers, method = 'GET' } = request;
  if (countOf(request, 'host') > 1) {
    throw new PipelineError('malformed_request', 'More than one Host header. Send one.');
  }
  if (!isHostAllowed(headers.host, allowed)) {
    const name = nameOf(headers.host)?.slice(0, MAX_NAME) ?? 'this name';
    throw new PipelineError(
      'host_not_allowed',
      `This service does not respond as ${name}. Use localhost or an IP address, or add the name, without port, to ALLOWED_HOSTS in .env and restart.`,
    );
  }
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  if (isSafe || !isFromPage(headers)) return;
  const origin = URL.parse(headers.origin ?? '')?.host;
  if (origin === undefined || (origin !== headers.host && !isNameAllowed(origin, allowed))) {
    throw new PipelineError(
      'cross_site',
      'Pages of other sites may not send requests. Add the host name of the page to ALLOWED_HOSTS.',
    );
  }
}

/** Whether a page of another site or origin sends the request. Programs send neither header. */
function isFromPage({ origin, 'sec-fetch-site': site }: IncomingMessage['headers']): boolean {
  return site === undefined ? origin !== undefined : site !== 'same-origin' && site !== 'none';
}

/** @param host a header `Host`; undefined in HTTP/1.0 */
export function isHostAllowed(host: string | undefined, allowed: readonly string[]): boolean {
  if (host === undefined) return true;
  return isNameAllowed(host, allowed) || isIP(nameOf(host)?.replace(/^\[(.*)\]$/, '$1') ?? '') !== 0;
}

/** @param host a name or address, with or without port */
function isNameAllowed(host: string, allowed: readonly string[]): boolean {
  if (allowed.includes('*')) return true;
  const name = nameOf(host);
  if (name === undefined) return false;
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === DOCKER_HOST ||
    /^127\.\d+\.\d+\.\d+$/.test(name) ||
    name === '[::1]' ||
    allowed.includes(name)
  );
}

function nameOf(host: string | undefined): string | undefined {
  return URL.parse(`http://${host ?? ''}`)?.hostname || undefined;
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;
}
