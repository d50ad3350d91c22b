import { describe, expect, it } from 'vitest';
import { nobody, parseAllowedReceivers } from './allowed-receivers.ts';
import { receiverKey, whyHostIsRefused, whyNoCallbackUrl } from './callback-url.ts';

describe('the address for a webhook', () => {
  it.each([
    'https://example.org/hook?token=a%20b',
    'http://example.org',
    'HTTPS://Example.org:8443/',
    'http://hooks/',
    'https://[2606:4700::1]/hook',
  ])('may be %s', (text) => {
    expect(whyNoCallbackUrl(text)).toBeUndefined();
  });

  it.each([
    ['/hook', 'an absolute URL'],
    ['example.org/hook', 'an absolute URL'],
    ['https://', 'an absolute URL'],
    ['http://[fe80::1%25eth0]/', 'an absolute URL'],
    ['ftp://example.org', '"ftp:"'],
    ['file:///etc/passwd', '"file:"'],
    ['javascript:alert(1)', '"javascript:"'],
    ['https://user@example.org', 'user or password'],
    ['https://:secret@example.org', 'user or password'],
    ['https://example.org/#part', 'fragment'],
    ['https://example.org/#', 'fragment'],
    [`https://example.org/${'a'.repeat(2_100)}`, '2120 characters; the maximum is 2048'],
  ])('must not be %s', (text, problem) => {
    expect(whyNoCallbackUrl(text)).toContain(problem);
  });
});

describe('the host of a webhook', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.0.0.1:8000/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://2130706433/',
    'http://127.1/',
    'http://0/',
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://app.localhost/',
    'http://10.0.0.1./',
  ])('%s is refused without asking DNS', (text) => {
    expect(whyHostIsRefused(new URL(text), nobody)).toMatch(/is not public/);
  });

  it.each([
    'http://example.org/',
    'http://127.0.0.1.nip.io/',
    'http://localhost.example.org/',
    'http://1.1.1.1/',
  ])('%s is checked when the webhook is sent', (text) => {
    expect(whyHostIsRefused(new URL(text), nobody)).toBeUndefined();
  });

  it.each([
    ['http://localhost:9000/', 'localhost'],
    ['http://localhost:9000/', '127.0.0.0/8,::1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://[::1]/', '::1'],
  ])('%s is allowed by %s', (text, list) => {
    expect(whyHostIsRefused(new URL(text), parseAllowedReceivers(list))).toBeUndefined();
  });
});

const keyOf = (host: string) => receiverKey(new URL(`http://${host}:9000/hook`));

it.each([
  ['evil.com', 'evil.com.'],
  ['evil.com', 'EVIL.com'],
  ['a.evil.com', 'b.c.evil.com'],
  ['a.evil.co.uk', 'b.c.evil.co.uk'],
  ['-a.evil.com', 'a_b.evil.com'],
  ['a.hooks.internal', 'hooks.internal'],
  ['hook', 'hook.'],
  ['127.1', '127.0.0.1'],
  ['[2001:db8::1]', '[2001:db8::ffff:0:0:2]'],
])('webhooks to %s and %s have one receiver', (one, other) => {
  expect(keyOf(one)).toBe(keyOf(other));
});

it.each([
  ['evil.com', 'good.com'],
  ['evil.co.uk', 'good.co.uk'],
  ['evil.github.io', 'good.github.io'],
  ['evil.s3.amazonaws.com', 'good.s3.amazonaws.com'],
  ['evil', 'good'],
  ['co.uk', 'evil.co.uk'],
  ['1.2.3.4', '5.6.3.4'],
  ['[2001:db8::1]', '[2001:db8:0:1::1]'],
])('webhooks to %s and %s have two receivers', (one, other) => {
  expect(keyOf(one)).not.toBe(keyOf(other));
});
