import { z } from 'zod';
import type { Operations } from '../openapi/operation.ts';

const okAnswer = z.object({ status: z.literal('ok') });
const readyAnswer = z.object({ status: z.literal('ready') });
const notReadyAnswer = z.object({ status: z.literal('not_ready'), reason: z.string() });

/** The service itself. */
export const serviceOperations = {
  'GET /livez': {
    id: 'isAlive',
    tag: 'Service',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'It does.', types: { 'application/json': okAnswer } } },
    problems: [],
  },
  'GET /readyz': {
    id: 'isReady',
    tag: 'Service',
    summary: 'Whether broker, store and event log are there',
    answers: {
      200: { description: 'They are.', types: { 'application/json': readyAnswer } },
      503: {
        description: 'Not all of them; the reason says which.',
        types: { 'application/json': notReadyAnswer },
      },
    },
    problems: [],
  },
  'GET /metrics': {
    id: 'readMetrics',
    tag: 'Service',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'Prometheus text format.', types: { 'text/plain': undefined } } },
    problems: [],
  },
  'GET /openapi.json': {
    id: 'readOpenapi',
    tag: 'Service',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1.', types: { 'application/json': undefined } } },
    problems: [],
  },
  'GET /docs': {
    id: 'showDocs',
    tag: 'Service',
    summary: 'This document for people',
    answers: { 200: { description: 'A page.', types: { 'text/html': undefined } } },
    problems: [],
  },
  'GET /': {
    id: 'goToDocs',
    tag: 'Service',
    summary: 'Leads to the documentation',
    answers: { 302: { description: 'To /docs.', headers: { Location: '/docs' } } },
    problems: [],
  },
} as const satisfies Operations;
