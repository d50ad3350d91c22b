import { z } from 'zod';
import type { Variable } from './config.ts';

/** The beginning of addresses that are shown to callers, or nothing; without the slash at its end. */
export const publicAddress = (protocols: string, description: string): Variable<string> => ({
  schema: z
    .union([z.literal(''), z.url({ protocol: new RegExp(`^(${protocols})s?$`) })])
    .transform(trimSlash),
  default: '',
  form: `empty, or an address that begins with ${protocols}:// or ${protocols}s://`,
  example: `${protocols}s://images.example.org`,
  description,
});

/** Where callers find the API. */
export const publicApiUrl = publicAddress(
  'http',
  'what stands before the links in answers and webhooks; empty: links are relative to the API',
);

function trimSlash(address: string): string {
  return address.replace(/\/+$/, '');
}
