import { createHash, timingSafeEqual } from 'node:crypto';
import type { CommonConfig } from './common-config.ts';
import { text, type ConfigOf } from './config.ts';
import { PipelineError } from './errors.ts';

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

/** Why a request with this header may not use a call that needs the token, or undefined. */
export function whyUnauthorized(authorization: string | undefined, token: string): PipelineError | undefined {
  if (token === '') {
    return new PipelineError(
      'token_not_set',
      'No token is configured. "make up" creates .env with one. Without make: set API_TOKEN in .env to the output of "openssl rand -hex 32", then "docker-compose up -d".',
    );
  }
  const given = bearerToken(authorization);
  if (given === undefined) {
    return new PipelineError(
      'unauthorized',
      'Missing token. Send the header "Authorization: Bearer $API_TOKEN".',
    );
  }
  if (isToken(given, token)) return undefined;
  return new PipelineError(
    'unauthorized',
    'Invalid token. Send "Authorization: Bearer $API_TOKEN" with the value from .env.',
  );
}

function digestOf(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
