import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import type { Operations } from '../openapi/operation.ts';

/** Swagger UI uses inline styles and `data:` icons; everything else is served from here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const pageFolder = import.meta.dirname;
const swaggerFolder = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/swagger-ui.css')));

/** The files that the page loads, and their folders. */
const assets: ReadonlyMap<string, string> = new Map([
  ['start.js', pageFolder],
  ['swagger-ui.css', swaggerFolder],
  ['swagger-ui-bundle.js', swaggerFolder],
  ['favicon-32x32.png', swaggerFolder],
]);

/** `GET /docs`: Swagger UI. */
export const docsRoute: RequestHandler = (_request, response) => {
  response.setHeader('Content-Security-Policy', POLICY);
  response.sendFile('index.html', { root: pageFolder });
};

/** `GET /docs/{asset}` */
export const docsAssetRoute: RequestHandler = (request, response) => {
  const asset = String(request.params['asset']);
  const root = assets.get(asset);
  if (root === undefined) throw new PipelineError('not_found', 'Unknown file.');
  response.sendFile(asset, { root, maxAge: '1h' });
};

/** The OpenAPI entries of the documentation. */
export const docsOperations = {
  'GET /openapi.json': {
    id: 'readOpenapi',
    tag: 'Service',
    summary: 'Get this document',
    description: 'OpenAPI 3.1, generated from the schemas that the API validates.',
    responses: { 200: { description: 'OpenAPI 3.1.', types: { 'application/json': undefined } } },
    problems: [],
  },
  'GET /docs': {
    id: 'showDocs',
    tag: 'Service',
    summary: 'Get this document as a web page',
    description: 'Swagger UI, with which you can send requests.',
    responses: { 200: { description: 'A web page.', types: { 'text/html': undefined } } },
    problems: [],
  },
} as const satisfies Operations;
