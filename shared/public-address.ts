import { z } from 'zod';
import type { Variable } from './config.ts';

/** The base URL of links that are shown to clients, without a trailing slash; may be empty. */
export const publicAddress = (protocols: string, description: string): Variable<string> => ({
  schema: z
    .union([z.literal(''), z.url({ protocol: new RegExp(`^(${protocols})s?$`) })])
    .transform(trimSlash),
  default: '',
  form: `empty, or a URL that starts with ${protocols}:// or ${protocols}s://`,
  example: `${protocols}s://images.example.org`,
  description,
});

/** The URL of the API for clients. */
export const publicApiUrl = publicAddress(
  'http',
  'base URL of links in responses and webhooks; empty: relative links',
);

function trimSlash(address: string): string {
  return address.replace(/\/+$/, '');
}
