import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Route, RouteResponse } from './service-server.ts';

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
dt { margin-top: 1rem; font-family: ui-monospace, monospace; }
dd { margin-left: 0; overflow-wrap: anywhere; }
`;

/** The page loads nothing, runs nothing, and has no style but its own. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** `GET /`: every address of a service with its description, as a page for browsers and as JSON for everyone else. */
export function listOfRoutes(
  { headers: { accept = '' } }: IncomingMessage,
  service: string,
  routes: Readonly<Record<string, Route>>,
): RouteResponse {
  const descriptions = Object.entries(routes).map(([name, { description }]) => [name, description] as const);
  const isPage = accept.includes('text/html');
  const list = { service, addresses: Object.fromEntries(descriptions) };
  return {
    status: 200,
    // Indented, so that curl shows one address a line.
    body: isPage ? page(service, descriptions) : `${JSON.stringify(list, undefined, 2)}\n`,
    headers: {
      'Content-Type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
      'Content-Security-Policy': POLICY,
      Vary: 'Accept',
    },
  };
}

function page(service: string, descriptions: readonly (readonly [string, string])[]): string {
  const items = descriptions.map(([name, description]) => {
    const [method = '', path = ''] = name.split(' ');
    const address = method === 'GET' ? `GET <a href="${path}">${path}</a>` : name;
    return `<dt>${address}</dt><dd>${escapeHtml(description)}</dd>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Image pipeline: ${service}</title>
<style>${STYLE}</style>
<h1>Image pipeline: ${service}</h1>
<dl>
${items.join('\n')}
</dl>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
