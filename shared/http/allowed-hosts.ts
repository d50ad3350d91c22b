import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Variable } from '../config.ts';
import { PipelineError } from '../errors.ts';

const NAME = /^(\*|[a-z0-9]([a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/;

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
  description: 'host names in URLs of services, besides localhost and the PUBLIC_… URLs; *: any',
};

/** The host names of public URLs, which are allowed, too. @param urls those that are not configured are empty */
export function hostsOf(...urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => URL.parse(url)?.hostname ?? []);
}

/**
 * Refuses a request for another host: with a name of its own that resolves to this machine, any page of the web could
 * otherwise read and change everything (DNS rebinding). The address that the client is connected to is no name.
 * A page of another site may not send anything either, since browsers let it, although it cannot read the response.
 * @param allowed see `allowedHostsVariable`
 * @throws PipelineError `malformed_request`, `host_not_allowed`, `cross_site`
 */
export function refuseForeignHost(request: IncomingMessage, allowed: readonly string[]): void {
  const { headers, method = 'GET' } = request;
  if (countOf(request, 'host') > 1) {
    throw new PipelineError('malformed_request', 'More than one Host header. Send one.');
  }
  if (!isHostAllowed(headers.host, request.socket.localAddress, allowed)) {
    throw new PipelineError(
      'host_not_allowed',
      'This service does not respond under this host name. Use localhost, or add the name to ALLOWED_HOSTS.',
    );
  }
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  if (isSafe || !isFromPage(headers)) return;
  const origin = URL.parse(headers.origin ?? '')?.host;
  if (origin === undefined || !isHostAllowed(origin, request.socket.localAddress, allowed)) {
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

/**
 * @param host a header `Host`; undefined in HTTP/1.0
 * @param localAddress the own end of the connection
 */
export function isHostAllowed(
  host: string | undefined,
  localAddress: string | undefined,
  allowed: readonly string[],
): boolean {
  if (host === undefined || allowed.includes('*')) return true;
  const name = URL.parse(`http://${host}`)?.hostname;
  if (name === undefined || name === '') return false;
  const own = localAddress?.replace(/^::ffff:/, '');
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    /^127\.\d+\.\d+\.\d+$/.test(name) ||
    name === '[::1]' ||
    name === own ||
    name === `[${own ?? ''}]` ||
    allowed.includes(name)
  );
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;
}
