import { createHash, timingSafeEqual } from 'node:crypto';
import type { CommonConfig } from './common-config.ts';
import { text, type ConfigOf } from './config.ts';

const MIN_LENGTH = 16;
/** Words that occur in tokens copied from an example. */
const SAMPLE = /change|sample|example|password|replace|your|qwerty|letmein/i;
/** A random token of 16 hexadecimal digits has fewer different characters than this in one case of a million. */
const MIN_DIFFERENT = 6;

/** The token for calls that change or reveal data: `Authorization: Bearer …`. */
export const accessTokenVariables = {
  API_TOKEN: text({
    default: '',
    form: 'a secret of at least 16 characters',
    example: 'the output of: openssl rand -hex 32',
    description: 'API token ("Authorization: Bearer <token>"); required in production',
  }),
} as const;

/** In production, a token must not be missing, short or a sample. */
export function refuseWeakToken(config: CommonConfig & ConfigOf<typeof accessTokenVariables>): string[] {
  const { NODE_ENV, API_TOKEN: token } = config;
  const isWeak = token.length < MIN_LENGTH || SAMPLE.test(token) || isRepetitive(token);
  if (NODE_ENV !== 'production' || !isWeak) return [];
  const seen = token === '' ? 'not set' : `a sample, repetitive or shorter than ${MIN_LENGTH} characters`;
  return [
    `API_TOKEN is ${seen}, which NODE_ENV=production does not allow. Generate one: openssl rand -hex 32`,
  ];
}

/** Few different characters, or one short text again and again. */
function isRepetitive(token: string): boolean {
  return new Set(token).size < MIN_DIFFERENT || /^(.{1,8})\1+.{0,7}$/s.test(token);
}

/** Compares in constant time, on digests, so that neither content nor length of the token shows. */
export function isToken(given: string, token: string): boolean {
  return token !== '' && timingSafeEqual(digestOf(given), digestOf(token));
}

/** The token in the header `Authorization: Bearer …`, if there is one. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

function digestOf(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
