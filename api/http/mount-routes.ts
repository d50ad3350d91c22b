import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Express, RequestHandler } from 'express';
import { rememberJobId } from './job-id.ts';

/** Mounts handlers by `METHOD /path/{parameter}`. A known path asked with another method answers 405. */
export function mountRoutes(app: Express, routes: Readonly<Record<string, readonly RequestHandler[]>>): void {
  const methodsOf = new Map<string, string[]>();
  for (const [name, handlers] of Object.entries(routes)) {
    const [method = '', documented = ''] = name.split(' ');
    const path = documented.replaceAll(/\{(\w+)\}/g, ':$1');
    methodsOf.set(path, [...(methodsOf.get(path) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
    if (method === 'GET') app.get(path, rememberJobId, ...handlers);
    else if (method === 'POST') app.post(path, rememberJobId, ...handlers);
    else if (method === 'DELETE') app.delete(path, rememberJobId, ...handlers);
    else throw new Error(`no way to mount ${name}`);
  }
  for (const [path, methods] of methodsOf) app.all(path, otherMethods(methods));
}

function otherMethods(allowed: readonly string[]): RequestHandler {
  return (request, response) => {
    response.setHeader('Allow', [...allowed, 'OPTIONS'].join(', '));
    if (request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    throw new PipelineError('method_not_allowed', `This address answers ${allowed.join(' and ')}.`, {
      details: { allowed },
    });
  };
}
