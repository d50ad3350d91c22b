import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import type { Operations } from '../openapi/operation.ts';

/** Swagger UI writes styles into its markup and has its icons in `data:` addresses; all else comes from here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const pageFolder = import.meta.dirname;
const swaggerFolder = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/swagger-ui.css')));

/** What the page loads, and where it lies. */
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
  if (root === undefined) throw new PipelineError('not_found', 'The page has no such part.');
  response.sendFile(asset, { root, maxAge: '1h' });
};

/** The OpenAPI entries of the documentation. */
export const docsOperations = {
  'GET /openapi.json': {
    id: 'readOpenapi',
    tag: 'Service',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1.', types: { 'application/json': undefined } } },
    problems: [],
  },
  'GET /docs': {
    id: 'showDocs',
    tag: 'Service',
    summary: 'This document for people',
    responses: { 200: { description: 'A page.', types: { 'text/html': undefined } } },
    problems: [],
  },
  'GET /': {
    id: 'goToDocs',
    tag: 'Service',
    summary: 'Leads to the documentation',
    responses: { 302: { description: 'To /docs.', headers: { Location: '/docs' } } },
    problems: [],
  },
} as const satisfies Operations;
