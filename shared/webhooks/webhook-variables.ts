import { z } from 'zod';
import type { CommonConfig } from '../common-config.ts';
import type { ConfigOf, Variable } from '../config.ts';
import { allowsLoopback, parseAllowedReceivers, type AllowedReceivers } from './allowed-receivers.ts';

/** From the specification of Standard Webhooks. */
const SECRET_BYTES = { min: 24, max: 64 } as const;
const PREFIX = 'whsec_';
/** Minimum number of distinct bytes; random secrets have about twice as many. */
const MIN_VARIETY = 12;
/** From the documentation of Standard Webhooks. */
const samples: readonly string[] = [
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  'whsec_plJ3nmyCDGBKInavdOK15jsl',
];

/** The command that creates a secret; shown if none is set. */
export const MAKE_SECRET = 'echo "WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)" >> .env';

const secrets: Variable<readonly string[]> = {
  schema: z
    .string()
    .transform((given) => given.split(/[\s,]+/).filter(Boolean))
    .refine((given) => given.every(isSecret)),
  default: '',
  form: `whsec_ followed by ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes in base64; comma-separated during a rotation`,
  example: 'the output of: echo "whsec_$(openssl rand -base64 32)"',
  description: 'signs webhooks: whsec_$(openssl rand -base64 32); empty: no webhooks',
  isSecret: true,
};

const receivers: Variable<AllowedReceivers> = {
  schema: z.string().transform((given, context) => {
    try {
      return parseAllowedReceivers(given);
    } catch {
      context.addIssue({ code: 'custom', message: 'invalid receivers' });
      return z.NEVER;
    }
  }),
  default: '',
  form: 'comma-separated host names, addresses and CIDRs',
  example: 'hooks.internal,10.1.2.3,192.168.0.0/16',
  description: 'private webhook receivers: host names, addresses, CIDRs; empty in production',
};

export const webhookVariables = { WEBHOOK_SECRET: secrets, WEBHOOK_ALLOWED_HOSTS: receivers } as const;

export type WebhookConfig = ConfigOf<typeof webhookVariables>;

/** In production, a secret must not be a sample or guessable. */
export function refuseWeakSecrets(config: CommonConfig & WebhookConfig): string[] {
  if (config.NODE_ENV !== 'production' || !config.WEBHOOK_SECRET.some(isWeak)) return [];
  return [
    'WEBHOOK_SECRET is a sample or not random, which NODE_ENV=production does not allow. Generate one: ' +
      'whsec_$(openssl rand -base64 32)',
  ];
}

/** In production, the machine of the service itself must not be a receiver. */
export function refuseLoopbackReceivers(config: CommonConfig & WebhookConfig): string[] {
  if (config.NODE_ENV !== 'production' || !allowsLoopback(config.WEBHOOK_ALLOWED_HOSTS)) return [];
  return [
    'WEBHOOK_ALLOWED_HOSTS includes the loopback interface of the service (localhost, 127.0.0.0/8, ::1), which ' +
      'NODE_ENV=production does not allow. Remove it, or list only the hosts you need, for example hooks.internal,10.1.2.3',
  ];
}

function isSecret(text: string): boolean {
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  const isCanonical = bytes.toString('base64') === encoded;
  return (
    text.startsWith(PREFIX) &&
    isCanonical &&
    bytes.length >= SECRET_BYTES.min &&
    bytes.length <= SECRET_BYTES.max
  );
}

function isWeak(secret: string): boolean {
  const bytes = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return samples.includes(secret) || new Set(bytes).size < MIN_VARIETY;
}
