import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { commonVariables } from '../common-config.ts';
import { ConfigError, readConfig } from '../config.ts';
import { refuseLoopbackReceivers, refuseWeakSecrets, webhookVariables } from './webhook-variables.ts';

const secret = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

const read = (env: Record<string, string>) =>
  readConfig({ ...commonVariables, ...webhookVariables }, env, (config) => [
    ...refuseWeakSecrets(config),
    ...refuseLoopbackReceivers(config),
  ]);

function problemsOf(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return '';
}

describe('the secret of webhooks', () => {
  it('may be missing, in production too', () => {
    expect(read({ NODE_ENV: 'production' }).WEBHOOK_SECRET).toEqual([]);
  });

  it('may be several, while one is changed', () => {
    const [one, other] = [secret(24), secret(64)];
    expect(read({ WEBHOOK_SECRET: `${one}, ${other}` }).WEBHOOK_SECRET).toEqual([one, other]);
    expect(read({ WEBHOOK_SECRET: `${one} ${other}` }).WEBHOOK_SECRET).toEqual([one, other]);
  });

  it.each([secret(23), secret(65), secret(32).slice(6), 'whsec_AAAA', `whsec_${'ä'.repeat(40)}`])(
    'is refused when it is %s, without being shown',
    (given) => {
      expect(problemsOf({ WEBHOOK_SECRET: given })).toMatch(/WEBHOOK_SECRET .* 24 to 64 bytes in base64/);
      expect(problemsOf({ WEBHOOK_SECRET: given })).not.toContain(given);
    },
  );

  it('must be random in production', () => {
    const samples = [
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      `whsec_${Buffer.alloc(32, 'ab').toString('base64')}`,
    ];
    for (const sample of samples) {
      expect(problemsOf({ NODE_ENV: 'production', WEBHOOK_SECRET: sample })).toContain('sample');
      expect(problemsOf({ WEBHOOK_SECRET: sample })).toBe('');
    }
    expect(problemsOf({ NODE_ENV: 'production', WEBHOOK_SECRET: secret(24) })).not.toContain('WEBHOOK');
  });
});

it('receivers of the own network that are not well-formed are refused', () => {
  expect(problemsOf({ WEBHOOK_ALLOWED_HOSTS: 'http://host' })).toContain('host names, addresses and CIDRs');
});

it.each([
  'localhost',
  'hooks.internal,api.localhost',
  '127.0.0.1',
  '127.8.0.0/16',
  '0.0.0.0',
  '0.0.0.0/0',
  '::1',
  '::/0',
  '::ffff:127.0.0.1',
])('receivers %s, the loopback among them, are refused in production', (list) => {
  const problems = problemsOf({ NODE_ENV: 'production', WEBHOOK_ALLOWED_HOSTS: list });
  expect(problems).toMatch(/WEBHOOK_ALLOWED_HOSTS .* loopback .*NODE_ENV=production does not allow/);
  expect(problemsOf({ WEBHOOK_ALLOWED_HOSTS: list })).toBe('');
});

it('receivers of the own network are allowed in production', () => {
  const list = 'hooks.internal,notlocalhost,10.0.0.0/8,128.0.0.1,fd12::/16,::2';
  expect(problemsOf({ NODE_ENV: 'production', WEBHOOK_ALLOWED_HOSTS: list })).toBe('');
});
